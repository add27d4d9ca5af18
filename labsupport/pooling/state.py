"""Whether a pool can be used now, and the error that says why not."""

from __future__ import annotations

import asyncio

from .exceptions import PoolClosed, PoolError, PoolNotInitialized, WrongEventLoop

__all__ = ["PoolState"]


class PoolState:
    """Where a pool is in its life, and the event loop that it belongs to.

    `name` is "new", "opening", "open", "closing" or "closed".
    """

    def __init__(self) -> None:
        self.name = "new"
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """Begin to open, in this event loop; PoolError when the pool is initialised already."""
        if self.name not in ("new", "closed"):
            raise PoolError("This pool is initialised already; await its close() first.")
        self.name = "opening"
        self._loop = asyncio.get_running_loop()

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
