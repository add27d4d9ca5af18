"""The container of `docker-compose.yml`, under a project name of its own so that it meets no other.

Each step is one `docker compose` command with a limit; what fails becomes one sentence.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from labsupport.errors import LabError
from labsupport.places import project_root

__all__ = ["Compose", "require_engine"]

SERVICE = "postgres"
INSIDE_PORT = "5432"
QUICK_LIMIT = 30
PULL_LIMIT = 900
UP_LIMIT = 120
DOWN_LIMIT = 60
END_LIMIT = 10


@dataclass(frozen=True)
class Compose:
    """One project of the compose file: its name, and the variables that the file is read with."""

    project: str
    variables: Mapping[str, str] = field(repr=False)
    """They hold a password, so they go into the environment and onto no command line."""

    def image(self) -> str:
        """Return the image that the file names. Raises `LabError` when the file is not valid."""
        done = self._run("config", "--images", SERVICE)
        if done.returncode != 0:
            raise LabError(
                f"docker-compose.yml cannot be used ({_last_line(done)}). "
                "Mend it, or fetch the clone again."
            )
        return done.stdout.strip()

    def fetch(self, image: str) -> None:
        """Pull the image unless it is here. Raises `LabError` when it is not to be had."""
        if _docker("image", "inspect", image, environment=self.variables).returncode == 0:
            return
        print(f"Pulling {image}, about 160 MB ...", flush=True)
        done = self._run("pull", "--quiet", SERVICE, limit=PULL_LIMIT)
        if done.returncode != 0:
            raise LabError(
                f"The image {image} is not on this machine and cannot be pulled "
                f"({_last_line(done)}). Check the network and LAB_PG_IMAGE_VERSION, "
                "or load the image by hand with `docker load`."
            )

    def up(self) -> str:
        """Start the container, wait until it is healthy, and return its published address.

        Raises `LabError` with the last line of its log when it does not become healthy.
        """
        limit = str(UP_LIMIT)
        done = self._run(
            *("up", "--detach", "--wait", "--wait-timeout", limit, "--pull", "never", SERVICE),
            limit=UP_LIMIT + END_LIMIT,
        )
        if done.returncode != 0:
            log = self._run("logs", "--no-log-prefix", "--no-color", "--tail", "5", SERVICE)
            raise LabError(
                f"The container did not become healthy ({_last_line(done)}). "
                f"Its log ends with: {_last_line(log) or 'nothing'}"
            )
        done = self._run("port", SERVICE, INSIDE_PORT)
        if done.returncode != 0 or not done.stdout.strip():
            raise LabError(f"The container has no published port ({_last_line(done)}).")
        return done.stdout.strip()

    def down(self) -> None:
        """Remove the container, its network and its volume; a signal does not stop this.

        Raises `LabError` that says how to do it by hand when it fails.
        """
        with _without_interruption():
            # Nothing of it is kept, so it need not end in its own order.
            done = self._run(
                *("down", "--volumes", "--remove-orphans", "--timeout", "1"), limit=DOWN_LIMIT
            )
        if done.returncode != 0:
            raise LabError(
                f"The test's container could not be removed ({_last_line(done)}). Remove it with: "
                f"docker compose --project-name {self.project} down --volumes"
            )

    def _run(self, *arguments: str, limit: float = QUICK_LIMIT) -> subprocess.CompletedProcess[str]:
        return _docker(
            *("compose", "--project-name", self.project, *arguments),
            environment=self.variables,
            limit=limit,
        )


def require_engine() -> None:
    """Raise `LabError` unless Docker, its Compose plugin and a running engine are here."""
    if shutil.which("docker") is None:
        raise LabError(
            "There is no `docker` on this machine, and `test --container` needs it. "
            "Install Docker Engine with its Compose plugin, or Docker Desktop."
        )
    if _docker("compose", "version").returncode != 0:
        raise LabError(
            "This machine's Docker has no Compose plugin, and `test --container` needs it. "
            "Install docker-compose-plugin, version 2.20 or newer."
        )
    done = _docker("version", "--format", "{{.Server.Version}}")
    if done.returncode != 0:
        raise LabError(
            f"No container engine answers ({_last_line(done)}). Start Docker, check DOCKER_HOST, "
            "and see that you may use it (`docker version`)."
        )


def _docker(
    *arguments: str, environment: Mapping[str, str] | None = None, limit: float = QUICK_LIMIT
) -> subprocess.CompletedProcess[str]:
    """Run docker in the clone and return what it said; past its limit it is ended, with code 1.

    It has a session of its own: Ctrl-C reaches it by us, and then it ends before the clean-up.
    """
    process = subprocess.Popen(
        ["docker", *arguments],
        cwd=project_root(),
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=os.name != "nt",
    )
    try:
        said, complained = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _end(process)
        return subprocess.CompletedProcess(arguments, 1, "", f"no answer within {limit:.0f} s")
    except BaseException:
        _end(process)
        raise
    return subprocess.CompletedProcess(arguments, process.returncode, said, complained)


def _end(process: subprocess.Popen[str]) -> None:
    with _without_interruption():
        process.terminate()
        try:
            process.communicate(timeout=END_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate(timeout=END_LIMIT)


@contextlib.contextmanager
def _without_interruption() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last line that docker wrote, without the full stop and the control characters."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", done.stderr.strip() or done.stdout.strip())
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else ""
