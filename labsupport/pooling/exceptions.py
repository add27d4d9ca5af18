"""What can go wrong with a pool, as exceptions that say it in a sentence."""

from __future__ import annotations

__all__ = [
    "NestedAcquire",
    "PoolClosed",
    "PoolError",
    "PoolNotInitialized",
    "PoolOverloaded",
    "PoolTimeout",
    "WrongEventLoop",
]


class PoolError(Exception):
    """Base of everything that this package raises about a pool."""


class PoolNotInitialized(PoolError, RuntimeError):
    """The pool is used before `initialize` has finished."""

    def __init__(self) -> None:
        super().__init__("The pool is not open yet: await its initialize() first.")


class PoolClosed(PoolError, RuntimeError):
    """The pool is closing or closed; whoever still waited for a connection gets this too."""


class PoolTimeout(PoolError, TimeoutError):
    """No connection could be had in time. The text carries size, idle, in use and waiting."""


class PoolOverloaded(PoolError):
    """All connections are lent out and `max_waiting` requests wait already; try again later."""


class WrongEventLoop(PoolError, RuntimeError):
    """The pool is used from another event loop than the one it was initialised in."""

    def __init__(self) -> None:
        super().__init__(
            "This pool belongs to another event loop. Initialise and use it in one and the same "
            "loop: inside one asyncio.run(), or with `await` in a notebook's cells. When that loop "
            "has ended, make a new DatabasePool."
        )


class NestedAcquire(PoolError, RuntimeError):
    """A task that holds a connection asked for a second one, which can deadlock."""
