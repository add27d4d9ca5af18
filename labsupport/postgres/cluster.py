"""One data folder of PostgreSQL: make it, start a server on it, stop that server.

`pg_ctl` does the work, because it knows each platform's ways (on Windows it also drops an
administrator's rights, with which a server refuses to start).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from labsupport.errors import LabError, tells_of_full_disk
from labsupport.ports import free_port, is_free
from labsupport.postgres.account import hand_over, run_as_server
from labsupport.postgres.binaries import Binaries
from labsupport.postgres.data_folder import MADE, SERVER, forget_halves, make_data
from labsupport.postgres.faults import thaw_all

__all__ = ["REMAKE", "Cluster"]

START_LIMIT = 60
STOP_LIMIT = 20
START_ATTEMPTS = 20
REMAKE = (
    "`python3 -m labsupport stop --remove` deletes that server's data, and the next start makes "
    "them anew."
)


@dataclass(frozen=True)
class Cluster:
    """A folder with a data directory in it, the passwords beside it, and the programs to use."""

    folder: Path
    binaries: Binaries

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.folder / SERVER / "data"

    @property
    def log(self) -> Path:
        """The server's log since it was made, over all its starts."""
        return self.folder / SERVER / "postgres.log"

    @property
    def is_made(self) -> bool:
        """Whether `make` has finished once, and nobody has deleted the data since."""
        return (self.folder / MADE).exists() and self.data.is_dir()

    def make(
        self, settings: Mapping[str, str] | None = None, trusted_role: str | None = None
    ) -> None:
        """Make the data directory, if there is none; half-made ones are thrown away.

        `settings` are lines for `postgresql.conf`. `trusted_role` may log in without a password.
        Raises `LabError` when it cannot be made; nothing of it is left then.
        """
        if self.is_made:
            forget_halves(self.folder)
        else:
            make_data(self.folder, self._run, settings or {}, trusted_role)

    def passwords(self) -> dict[str, str]:
        """Return the passwords of the roles `superuser` (it is called postgres) and `lab`.

        Raises `LabError` when their file is missing or spoilt.
        """
        file = self.folder / "passwords.json"
        try:
            passwords = json.loads(file.read_text(encoding="utf-8"))
            return {name: str(passwords[name]) for name in ("superuser", "lab")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LabError(f"{file} is missing or spoilt. {REMAKE}") from error

    def start(self, preferred_port: int = 0, as_standby: bool = False) -> int:
        """Start the server on a free port of loopback and return the port.

        `preferred_port` is tried first, so that a restarted server is found where it was.
        `as_standby` makes it follow a primary (that never sends anything), so that it refuses
        writes. Raises `LabError` with the log's last lines when it does not start.
        """
        self._forget_dead_postmaster()
        self._set_standby(as_standby)
        port = preferred_port
        before = self._log_size()
        for attempt in range(START_ATTEMPTS):
            port = port if attempt == 0 and is_free(port) else free_port()
            try:
                self._run(
                    "pg_ctl",
                    *("-D", str(self.data), "-l", str(self.log), "-w", "-t", str(START_LIMIT)),
                    *("-o", f"-p {port}", "start"),
                )
                return port
            except LabError as error:
                if self._log_size() == before:
                    raise LabError(f"PostgreSQL did not start ({error}).") from None
                said = self.tail()
                # A server that runs out of room dies, and says what it did last after that.
                if tells_of_full_disk(self._said_since(before)):
                    raise LabError(
                        f"There is no room for PostgreSQL's data in {self.folder}. Free about "
                        "1 GB of that disk and try again."
                    ) from None
                # Another process took the port, or a killed server's last processes still end.
                if "could not bind" not in said and "shared memory block" not in said:
                    raise LabError(f"PostgreSQL did not start. Its log says: {said}") from None
                time.sleep(0.25)
        raise LabError(f"PostgreSQL did not start. Its log says: {self.tail()}")

    def postmaster(self) -> int | None:
        """Return the process id of the server that runs on this folder, or None."""
        try:
            first = (self.data / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0]
            process = psutil.Process(int(first))
            alive = process.status() != psutil.STATUS_ZOMBIE and "postgres" in process.name()
        except (OSError, ValueError, psutil.Error):
            return None
        return process.pid if alive else None

    def stop(self, pid: int | None = None) -> bool:
        """Stop the server, whatever its clients do; return whether one ran.

        With `pid`, only that very server is stopped, and not one that has started since.
        """
        running = self.postmaster()
        if running is None and pid is not None:
            return self._kill_lost(pid)
        if running is None or (pid is not None and running != pid):
            return False
        self._end(running, ("fast", "immediate"))
        return True

    def crash(self) -> bool:
        """End the server at once, without a checkpoint; return whether one ran.

        Its next start recovers from its log of changes (WAL), as after a crash.
        """
        running = self.postmaster()
        if running is None:
            return False
        self._end(running, ("immediate",))
        return True

    def _end(self, running: int, modes: tuple[str, ...]) -> None:
        thaw_all(running)
        for mode in modes:
            try:
                self._run(
                    "pg_ctl",
                    *("-D", str(self.data), "-m", mode, "-w", "-t", str(STOP_LIMIT), "stop"),
                )
                return
            except LabError:
                if self.postmaster() != running:
                    return
        with contextlib.suppress(psutil.NoSuchProcess):
            _kill_family(psutil.Process(running))

    def _kill_lost(self, pid: int) -> bool:
        """End a server whose folder was deleted while it ran, which `pg_ctl` finds no more."""
        try:
            process = psutil.Process(pid)
            if str(self.data) not in process.cmdline():
                return False
            _kill_family(process)
        except psutil.Error:
            return False
        return True

    def tail(self, lines: int = 3) -> str:
        """Return the last lines of the server's log as one line."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "(no log was written)"
        return " / ".join(text.strip().splitlines()[-lines:])

    def _said_since(self, size: int) -> str:
        """Return what the log holds after its first `size` bytes; it is kept over all starts."""
        with self.log.open("rb") as log:
            log.seek(size)
            return log.read().decode("utf-8", errors="replace")

    def _log_size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def remove(self) -> None:
        """Delete the folder; its server must have ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _forget_dead_postmaster(self) -> None:
        # A killed server leaves its pid file. If another program has that number by now,
        # PostgreSQL takes it for a running server and refuses to start.
        if self.postmaster() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _set_standby(self, as_standby: bool) -> None:
        mark = self.data / "standby.signal"
        if as_standby:
            mark.touch()
            hand_over(mark)
        else:
            mark.unlink(missing_ok=True)

    def _run(self, program: str, *arguments: str) -> None:
        # The output goes to a file and not to a pipe: the server inherits it and would keep
        # a pipe open for as long as it runs.
        environment = {name: value for name, value in os.environ.items() if name[:2] != "PG"}
        environment["LC_ALL"] = "C"
        with tempfile.TemporaryFile() as output:
            try:
                answer = subprocess.run(
                    [self.binaries.program(program), *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self.folder,
                    env=environment,
                    timeout=START_LIMIT + 30,
                    check=False,
                    **run_as_server(),
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise LabError(f"{program} could not be run: {error}") from error
            output.seek(0)
            said = output.read().decode("utf-8", errors="replace").strip()
        if answer.returncode != 0:
            lines = said.splitlines()
            full = [line for line in lines if tells_of_full_disk(line)]
            last = " / ".join(full[:1] or lines[-3:]) or f"exit code {answer.returncode}"
            raise LabError(f"{program} failed: {last}")


def _kill_family(server: psutil.Process) -> None:
    family = [*server.children(), server]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=STOP_LIMIT)
