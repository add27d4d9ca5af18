"""Exercise 3.3: look at a pool again and again."""

import asyncio
import contextlib
import time
from collections import deque

import asyncpg

__all__ = ["Monitor"]


class Monitor:
    """Notes every `interval` seconds how the pool is."""

    def __init__(self, pool, interval=0.1, timeout=0.5, keep=100):
        self._pool = pool
        self._interval = interval
        self._timeout = timeout
        self._rows = deque(maxlen=keep)
        self._task = None

    @property
    def rows(self):
        """The last rows, the oldest first."""
        return list(self._rows)

    async def start(self):
        """Begin, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self._loop())

    async def stop(self):
        """End that task."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _loop(self):
        while True:
            self._rows.append(await self._look())
            await asyncio.sleep(self._interval)

    async def _look(self):
        # Counted before our own query borrows a connection.
        size = self._pool.get_size()
        used = size - self._pool.get_idle_size()
        return {
            "size": size,
            "used": used,
            "utilization": used / self._pool.get_max_size(),
            "seconds": await self._answer_time(),
        }

    async def _answer_time(self):
        started = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                await self._pool.fetchval("SELECT 1")
        except (
            OSError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ):
            return None
        return time.monotonic() - started
