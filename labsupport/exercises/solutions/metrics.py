"""Exercise 2.4: a pool that knows its numbers."""

import time
from contextlib import asynccontextmanager

import asyncpg

__all__ = ["MeasuredPool"]


class MeasuredPool:
    """A pool that counts what it lends and who waits."""

    def __init__(self):
        self._used = self._waiting = self._timeouts = 0
        self._wait_seconds = 0.0

    async def initialize(self, min_size, max_size, **where):
        """Open the pool."""
        self._pool = await asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)

    @asynccontextmanager
    async def acquire(self, timeout):
        """Lend a connection for the time of a block."""
        conn = await self._wait(timeout)
        self._used += 1
        try:
            yield conn
        finally:
            self._used -= 1
            await self._pool.release(conn)

    async def _wait(self, timeout):
        asked = time.monotonic()
        self._waiting += 1
        try:
            return await self._pool.acquire(timeout=timeout)
        except TimeoutError:
            self._timeouts += 1
            raise
        finally:
            # However the wait ends: with a connection, a timeout or a cancellation.
            self._waiting -= 1
            self._wait_seconds += time.monotonic() - asked

    def metrics(self):
        """Return the numbers of this moment."""
        return {
            "max": self._pool.get_max_size(),
            "open": self._pool.get_size(),
            "used": self._used,
            "idle": self._pool.get_idle_size(),
            "waiting": self._waiting,
            "timeouts": self._timeouts,
            "wait_seconds": self._wait_seconds,
        }

    async def close(self):
        """Close all connections."""
        await self._pool.close()
