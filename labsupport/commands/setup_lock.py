"""A lock that keeps two set-ups of one clone from meeting; the system frees it with its owner."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from labsupport.errors import LabError

__all__ = ["setup_lock"]

WAIT_LIMIT = 600.0
WAIT_STEP = 0.2


@contextmanager
def setup_lock(path: str, say: Callable[[str], None], limit: float = WAIT_LIMIT) -> Iterator[int]:
    """Hold the lock file `path` and yield its descriptor; waits up to `limit` seconds.

    A child that inherits the descriptor keeps the lock when its parent is killed (not on Windows).
    Raises `LabError` when the limit has passed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        waiting_since = time.monotonic()
        said = False
        while not _try_to_lock(descriptor):
            if not said:
                say(
                    "Another set-up of this clone is running; "
                    f"waiting for it, at most {limit:.0f} seconds."
                )
                said = True
            if time.monotonic() - waiting_since > limit:
                raise LabError(
                    "Another set-up of this clone is still running. "
                    "Wait until it has ended, or end it, and start again."
                )
            time.sleep(WAIT_STEP)
        yield descriptor
    finally:
        # Closing frees the lock.
        os.close(descriptor)


def _try_to_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
