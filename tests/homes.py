"""Throwaway homes for the lab's servers, so that no test touches a developer's own."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from labsupport.postgres import stop_embedded

__all__ = ["alive", "children_naming", "processes_of", "temporary_home", "wait_until"]


@contextlib.contextmanager
def temporary_home() -> Iterator[Path]:
    """Set LAB_HOME to a new folder that the server's user may enter; stop and remove it all after.

    pytest's own temporary folders are closed to others, and root's server runs as another user.
    """
    home = Path(tempfile.mkdtemp(prefix="lab-test-")).resolve()
    home.chmod(0o755)
    before = {name: os.environ.pop(name) for name in list(os.environ) if name[:3] == "DB_"}
    before["LAB_HOME"] = os.environ.get("LAB_HOME", "")
    os.environ["LAB_HOME"] = str(home)
    try:
        yield home
    finally:
        stop_embedded()
        left = processes_of(home)
        os.environ.update(before)
        if not before["LAB_HOME"]:
            del os.environ["LAB_HOME"]
        shutil.rmtree(home, ignore_errors=True)
        assert not left, f"left behind: {left}"


def processes_of(home: Path) -> list[str]:
    """Return the command lines of living processes that name `home`, after giving them a moment."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            line = " ".join(process.info["cmdline"] or [])
            if str(home) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(line)
        if not found:
            return []
        time.sleep(0.2)
    return found


def alive(pid: int | None) -> bool:
    """Whether a process runs. A zombie, which its parent has not read yet, has ended."""
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def children_naming(text: str, parent: int | None = None) -> list[psutil.Process]:
    """Return the children of a process, of this one by default, whose command line holds `text`."""
    found = []
    for child in psutil.Process(parent).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # It has just ended.
            if any(text in word for word in child.cmdline()):
                found.append(child)
    return found


def wait_until(holds: Callable[[], bool], what: str, limit: float = 30) -> None:
    """Wait until `holds()`; fail with `what` after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < deadline, f"not within {limit} s: {what}"
        time.sleep(0.05)
