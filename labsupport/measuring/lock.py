"""One measurement at a time on this machine: two at once would measure each other."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from labsupport.errors import LabError

__all__ = ["machine_lock"]

SECONDS_BETWEEN_TRIES = 0.1


def _prepared_path() -> Path:
    """The lock's path, in a folder that any user of this machine may write to."""
    folder = Path(tempfile.gettempdir()) / "connection-pooling-lab"
    folder.mkdir(exist_ok=True)
    # The folder is not sticky like /tmp itself: Linux lets nobody open another user's file
    # for writing in a sticky folder as if it were new (fs.protected_regular).
    with suppress(PermissionError):
        folder.chmod(0o777)
    return folder / "measuring.lock"


def _try(lock: FileLock) -> bool:
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return False
    return True


@asynccontextmanager
async def machine_lock(
    limit: float = 60.0, say: Callable[[str], None] = print
) -> AsyncIterator[None]:
    """Hold the lock of this machine, across processes and users, while the block runs.

    The event loop goes on while it waits; `say` is told once that it does. A process that dies
    gives the lock back. Raises LabError after `limit` seconds, or when the file cannot be used.
    """
    try:
        lock = FileLock(_prepared_path(), mode=0o666)
        deadline = time.monotonic() + limit
        held = _try(lock)
        if not held:
            say(f"Another measurement is running; waiting for it, at most {limit:g} s.")
        while not held and time.monotonic() < deadline:
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)
            held = _try(lock)
    except OSError as error:
        raise LabError(
            f"The measuring lock {error.filename} cannot be used ({error.strerror}); "
            "delete it, or set TMPDIR to a folder that you may write to."
        ) from error
    if not held:
        raise LabError(
            f"Another measurement has been running for {limit:g} s; "
            "wait until it has ended, or stop it, and run this again."
        )
    try:
        yield
    finally:
        lock.release()
