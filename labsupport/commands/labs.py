"""The labs of this clone that run now, and whether PostgreSQL was started by one of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from labsupport.places import state_folder
from labsupport.postgres import embedded_status
from labsupport.postgres.account import make_folder
from labsupport.postgres.status import is_alive, me

__all__ = [
    "note_started_servers",
    "other_labs",
    "port_turn",
    "registered",
    "running_servers",
    "started_by_a_lab",
]

PORT_LIMIT = 60.0


@contextmanager
def registered() -> Iterator[None]:
    """Be known to the other labs of this clone inside the block."""
    make_folder(_folder())
    mine = _folder() / f"{os.getpid()}.json"
    mine.write_text(json.dumps(me()), encoding="utf-8")
    try:
        yield
    finally:
        mine.unlink(missing_ok=True)


def other_labs() -> list[int]:
    """Return the process ids of the other labs of this clone; forgets those that were killed."""
    found = []
    for file in _folder().glob("*.json"):
        try:
            process = json.loads(file.read_text(encoding="utf-8"))
            alive = is_alive(process)
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if not alive:
            file.unlink(missing_ok=True)
        elif process["pid"] != os.getpid():
            found.append(int(process["pid"]))
    return found


def port_turn() -> filelock.BaseFileLock:
    """Return the lock to hold from the choice of JupyterLab's port until it listens there.

    JupyterLab looks for a free port and binds it a moment later; two labs that start at once
    would choose the same one.
    """
    return filelock.FileLock(_folder() / "port.lock", timeout=PORT_LIMIT)


def running_servers() -> set[int]:
    """Return the supervisors' process ids of this clone's embedded servers."""
    return {status.supervisor_pid for status in embedded_status()}


def note_started_servers(pids: set[int]) -> None:
    """Remember that a lab started these servers: the last lab that ends stops them."""
    for pid in pids:
        (_folder() / f"{pid}.started").touch()


def started_by_a_lab() -> bool:
    """Whether a lab of this clone started an embedded server that runs now."""
    running = running_servers()
    found = False
    for mark in _folder().glob("*.started"):
        if mark.stem.isdigit() and int(mark.stem) in running:
            found = True
        else:
            mark.unlink(missing_ok=True)
    return found


def _folder() -> Path:
    return state_folder() / "labs"
