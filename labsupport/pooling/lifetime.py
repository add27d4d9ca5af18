"""A maximum lifetime for connections, with jitter; asyncpg knows only idle time and queries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import asyncpg

from .observers import PoolObserver

__all__ = ["MaxLifetime"]


class MaxLifetime(PoolObserver):
    """Has every connection replaced when it is older than `seconds`: `MaxLifetime(1800)`.

    A connection is replaced when it comes back, or just before it would be lent out, and never
    while somebody has it. Each one's life is shorter by a random part of up to `jitter`
    (0.1 is 10 %), so that connections that were opened together do not end together.
    `clock` gives seconds and `fraction` a random number from 0 to 1.
    Raises ValueError for a lifetime of zero or less or a jitter outside 0 to 1.
    """

    def __init__(
        self,
        seconds: float,
        jitter: float = 0.1,
        *,
        clock: Callable[[], float] = time.monotonic,
        fraction: Callable[[], float] = random.random,
    ) -> None:
        if seconds <= 0:
            raise ValueError(f"A lifetime is above zero seconds, not {seconds!r}.")
        if not 0 <= jitter < 1:
            raise ValueError(f"jitter is a part from 0 up to 1, not {jitter!r}.")
        self.seconds = seconds
        self.jitter = jitter
        self.retired = 0
        """How many connections were replaced because of their age."""
        self._clock = clock
        self._fraction = fraction
        self._ends: dict[int, float] = {}  # backend's process id -> when its life is over

    def on_connect(self, conn: Any) -> None:
        """Decide how long this connection lives."""
        pid = conn.get_server_pid()
        end = self._clock() + self.seconds * (1 - self.jitter * self._fraction())
        self._ends[pid] = end
        conn.add_termination_listener(partial(self._forget, pid, end))

    def is_spent(self, conn: Any) -> bool:
        """Whether its time is over."""
        try:
            end = self._ends.get(conn.get_server_pid())
        except asyncpg.InterfaceError:  # It is broken, and asyncpg replaces it anyway.
            return False
        if end is None or self._clock() < end:
            return False
        self.retired += 1
        return True

    def _forget(self, pid: int, end: float, conn: Any) -> None:
        # The server may have given the number to a newer connection by now.
        if self._ends.get(pid) == end:
            del self._ends[pid]
