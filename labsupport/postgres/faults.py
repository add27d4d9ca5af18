"""Freeze and thaw a process of a server: it is there, holds all it holds, and does nothing."""

from __future__ import annotations

import contextlib
import time

import psutil

from labsupport.errors import LabError

__all__ = ["freeze", "thaw", "thaw_all"]

FREEZE_LIMIT = 10
LOOK_EVERY = 0.005


def freeze(server: int | None, pid: int) -> None:
    """Suspend the process `pid` of the server with the process id `server`, and wait for it.

    Raises ValueError when that server has no such process, LabError when it does not stop.
    """
    process = _process_of(server, pid)
    process.suspend()
    deadline = time.monotonic() + FREEZE_LIMIT
    while process.status() != psutil.STATUS_STOPPED:
        if time.monotonic() > deadline:
            raise LabError(f"The process {pid} was told to stop {FREEZE_LIMIT} s ago and runs on.")
        time.sleep(LOOK_EVERY)


def thaw(server: int | None, pid: int) -> None:
    """Let the process `pid` of that server go on. Raises ValueError when there is none."""
    _process_of(server, pid).resume()


def thaw_all(server: int) -> None:
    """Let all processes of that server go on: a frozen one would keep it from stopping."""
    with contextlib.suppress(psutil.Error):
        for process in psutil.Process(server).children():
            with contextlib.suppress(psutil.Error):
                process.resume()


def _process_of(server: int | None, pid: int) -> psutil.Process:
    with contextlib.suppress(psutil.NoSuchProcess):
        children = psutil.Process(server).children() if server is not None else []
        for process in children:
            if process.pid == pid:
                return process
    raise ValueError(
        f"This server has no process {pid}. `connection.get_server_pid()` names a session's."
    )
