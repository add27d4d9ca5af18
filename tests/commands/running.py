"""Run the lab's commands as a person would: from a clone of its own, by its own launcher."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import websocket

from labsupport.commands.bootstrap import TESTER, venv_python, write_stamp
from labsupport.postgres import stop_embedded
from tests.homes import wait_until

__all__ = ["ENDED", "ROOT", "Lab", "command", "end_processes_of", "ended_labs", "make_clone", "run"]

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("labsupport", "data", "pyproject.toml", *TESTER.covers)
START_LIMIT = 90
ENDED = "Everything that this lab started has ended."
"""What a lab says last."""


def make_clone(folder: Path) -> Path:
    """Make a clone in `folder` whose `.venv` borrows the packages of this environment."""
    folder.mkdir(parents=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "00_start_here.ipynb").write_text(notebook("start"), encoding="utf-8")
    (folder / "notebooks" / "01_first.ipynb").write_text(notebook("first"), encoding="utf-8")
    _make_venv(folder)
    return folder


def notebook(text: str) -> str:
    """Return a notebook with one cell of text."""
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": [text]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def _make_venv(clone: Path) -> None:
    venv = clone / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True, timeout=60)
    inside = {"base": str(venv), "platbase": str(venv)}
    packages = Path(sysconfig.get_path("purelib", vars=inside))
    # A plain path: the lab itself then comes from the clone and not from where it is installed.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    for name in ("share", "etc"):
        source = Path(sys.prefix) / name
        if source.exists():
            shutil.copytree(source, venv / name, dirs_exist_ok=True)
    write_stamp(str(clone), TESTER)


def command(*arguments: str, inside: Path | None = None) -> list[str]:
    """Return the command line of a verb: by the bare Python, or by the `.venv` of a clone."""
    bare = str(getattr(sys, "_base_executable", sys.executable))
    return [venv_python(str(inside)) if inside else bare, "-m", "labsupport", *arguments]


def run(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end and return what it said."""
    return subprocess.run(
        command(*arguments),
        cwd=clone,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )


class Lab:
    """A running `lab --no-browser`, started from a clone in a session of its own."""

    def __init__(self, clone: Path, *arguments: str) -> None:
        self.said_in = clone / f"said-{time.monotonic_ns()}.txt"
        with self.said_in.open("w", encoding="utf-8") as said:
            self.launcher = subprocess.Popen(
                command("lab", "--no-browser", *arguments),
                cwd=clone,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=os.name != "nt",
            )

    @property
    def said(self) -> str:
        """Everything that was printed so far."""
        return self.said_in.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        """Wait until the lab has printed `text`."""
        wait_until(lambda: text in self.said or self.launcher.poll() is not None, text, START_LIMIT)
        assert text in self.said, self.said

    def ready(self) -> Lab:
        """Wait until the lab says that it is ready, and return it."""
        self.wait_for("Press Ctrl-C")
        return self

    @property
    def address(self) -> str:
        """Scheme, host and port."""
        return self._url()[1]

    @property
    def token(self) -> str:
        """The token that was printed."""
        return self._url()[2]

    def _url(self) -> re.Match[str]:
        found = re.search(r"(http://127\.0\.0\.1:\d+)\S*\?token=(\w+)", self.said)
        assert found, self.said
        return found

    def ask(self, path: str, data: Any = None, with_token: bool = True) -> Any:
        """Return the answer of JupyterLab's REST API, or the number of the HTTP error."""
        headers = {"Authorization": f"token {self.token}"} if with_token else {}
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self.address + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code

    def start_kernel(self, code: str = "import sys; print(sys.prefix)") -> str:
        """Start a kernel, run `code` in it, and return the first that it prints."""
        kernel = self.ask("/api/kernels", {"name": "python3"})["id"]
        socket = websocket.create_connection(
            f"{self.address.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels",
            timeout=30,
            header={"Authorization": f"token {self.token}"},
        )
        header = {"msg_id": "1", "msg_type": "execute_request", "session": "1", "username": ""}
        content = {"code": code, "silent": False}
        request = {"header": header, "content": content, "channel": "shell"}
        socket.send(json.dumps({**request, "parent_header": {}, "metadata": {}}))
        for _ in range(100):
            message = json.loads(socket.recv())
            if message["header"]["msg_type"] == "stream":
                socket.close()
                return str(message["content"]["text"]).strip()
        raise AssertionError("the kernel printed nothing")

    def family(self) -> list[int]:
        """Return the launcher, JupyterLab and its kernels; PostgreSQL is on its own."""
        children = psutil.Process(self.launcher.pid).children(recursive=True)
        lines = {child.pid: " ".join(child.cmdline()) for child in children}
        return [
            self.launcher.pid,
            *(pid for pid, line in lines.items() if "labsupport.postgres" not in line
              and "postgres:" not in line and "bin/postgres" not in line),
        ]  # fmt: skip

    def server(self) -> int:
        """Return the process that JupyterLab runs in."""
        return psutil.Process(self.launcher.pid).children()[0].pid

    def interrupt(self, times: int = 1) -> int:
        """Press Ctrl-C, as a terminal does to all its processes; return the exit code."""
        for _ in range(times):
            os.killpg(self.launcher.pid, signal.SIGINT)
            time.sleep(0.2)
            if self.launcher.poll() is not None:
                break
        return self.launcher.wait(timeout=40)


@contextlib.contextmanager
def ended_labs(clone: Path) -> Iterator[list[Lab]]:
    """Yield a list for labs of `clone`; end those in it, and their server, whatever happens."""
    started: list[Lab] = []
    try:
        yield started
    finally:
        stop_embedded()
        end_processes_of(clone)
        for lab in started:
            lab.launcher.wait(timeout=40)


def end_processes_of(clone: Path) -> None:
    """End what a failed test may have left running in `clone`."""
    for process in psutil.process_iter(["cmdline"]):
        if any(part.startswith(str(clone)) for part in process.info["cmdline"] or []):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
