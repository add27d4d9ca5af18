"""Take rights and room from a program, also from root, who has too much of both."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

__all__ = ["bound_by_permissions", "with_small_files"]

DROP_FROM_BOUNDING_SET = 24
"""`PR_CAPBSET_DROP` of prctl(2)."""
WRITE_ANYWHERE, READ_ANYWHERE = 1, 2
"""`CAP_DAC_OVERRIDE` and `CAP_DAC_READ_SEARCH` of capabilities(7)."""


def bound_by_permissions() -> None:
    """Make permission bits count for the program that follows, even if root runs it.

    It is for `preexec_fn` of subprocess. An ordinary user needs nothing of this.
    """
    if os.geteuid() != 0 or sys.platform != "linux":
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for capability in (WRITE_ANYWHERE, READ_ANYWHERE):
        if prctl(DROP_FROM_BOUNDING_SET, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "root could not give up a right")


def with_small_files(size: int) -> Callable[[], None]:
    """Let no file grow beyond `size` bytes in the program that follows.

    It is for `preexec_fn` of subprocess, and stands for a disk that is full: a write fails in the
    middle of a file, for root too, and no file system has to be made for it.
    """
    import resource  # Windows has none.

    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
