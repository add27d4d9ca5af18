"""The line of requests that wait for a connection, and the limits that a pool keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from .exceptions import PoolOverloaded
from .stats import in_words, places_taken

__all__ = ["Limits", "TookTooLong", "WaitingLine"]


class TookTooLong(TimeoutError):
    """A limit of the pool was reached; the text says which."""


@dataclass(frozen=True)
class Limits:
    """How long a pool waits, in seconds, and how many may wait. ValueError when impossible."""

    acquire_timeout: float
    release_timeout: float
    connect_timeout: float
    max_waiting: int | None
    """How many requests may wait at the same time; None for any number."""

    def __post_init__(self) -> None:
        for name in ("acquire_timeout", "release_timeout", "connect_timeout"):
            seconds = getattr(self, name)
            if not isinstance(seconds, int | float) or not seconds > 0:
                raise ValueError(f"{name} is {seconds!r}. Give seconds, more than 0.")
        if self.max_waiting is not None and not self.max_waiting >= 0:
            raise ValueError(f"max_waiting is a number of requests or None, not {self.max_waiting}")

    def refuse_when_full(self, stats: dict[str, Any]) -> None:
        """Raise PoolOverloaded when, by a pool's `stats`, as many wait as may."""
        wanted = places_taken(stats) + stats["queue_size"]
        if self.max_waiting is not None and wanted >= stats["max_size"] + self.max_waiting:
            raise PoolOverloaded(f"Too many requests wait: {in_words(stats)}.")


class WaitingLine:
    """Requests that wait, each with its own limit. `len(line)` is how many they are."""

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()

    def __len__(self) -> int:
        return len(self._limits)

    async def wait(self, seconds: float, coming: Coroutine[Any, Any, Any]) -> Any:
        """Return what is `coming`, within `seconds`; raises TookTooLong after them."""
        try:
            limit = asyncio.timeout(seconds)
        except TypeError:
            coming.close()
            raise TypeError(f"timeout is {seconds!r}. Give a number of seconds.") from None
        try:
            async with limit:
                self._limits.add(limit)
                try:
                    return await coming
                finally:
                    self._limits.discard(limit)
        except TimeoutError:
            if limit.expired():
                raise TookTooLong(f"No connection within {seconds:g} s") from None
            raise  # Connecting took too long, and the error says so.

    def send_away(self) -> int:
        """End the time of all who wait; return how many they were."""
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(0)
        return len(self._limits)
