"""Whether a pool can be used now, and the error that says why not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

from .exceptions import PoolClosed, PoolError, PoolNotInitialized, WrongEventLoop

__all__ = ["PoolState"]

LOOK_EVERY = 0.01
"""Seconds between two looks whether the pool has opened."""


class PoolState:
    """Where a pool is in its life, and the event loop that it belongs to.

    `name` is "new", "opening", "open", "closing" or "closed".
    """

    def __init__(self) -> None:
        self.name = "new"
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[None]:
        """Open the pool in this block and this event loop.

        Raises PoolError when the pool is initialised already, WrongEventLoop when that was in
        another loop, and PoolClosed when `end_opening` has ended the block.
        """
        if self.name not in ("new", "closed"):
            self.check_loop()
            raise PoolError("This pool is initialised already; await its close() first.")
        self.name, self._loop = "opening", asyncio.get_running_loop()
        self._opening = asyncio.timeout(None)
        try:
            async with self._opening:
                yield
            self.name = "open"
        except TimeoutError:
            if not self._opening.expired():
                raise
            self.name = "closed"
            raise PoolClosed("The pool was closed while it was opening.") from None
        finally:
            if self.name == "opening":
                self.name = "new"

    async def end_opening(self, timeout: float) -> float:
        """Wait until the pool is no longer opening, and break that off after `timeout` seconds.

        Returns how many of the seconds are left.
        """
        deadline = monotonic() + timeout
        while self.name == "opening":
            if monotonic() >= deadline and not self._opening.expired():
                self._opening.reschedule(0)
            await asyncio.sleep(LOOK_EVERY)
        return deadline - monotonic()

    def trouble(self) -> PoolError | None:
        """Return the error that says why no connection can be lent; None when one can."""
        if self.name == "open":
            return None if asyncio.get_running_loop() is self._loop else WrongEventLoop()
        if self.name in ("closing", "closed"):
            return PoolClosed(f"The pool is {self.name}: it lends no connections any more.")
        return PoolNotInitialized()

    def check_loop(self) -> None:
        """Raise WrongEventLoop unless this is the pool's event loop."""
        if asyncio.get_running_loop() is not self._loop:
            raise WrongEventLoop
