"""Right: with an event that ends the pause; `stop` lets the last look come to its end."""

import asyncio
from collections import deque
from contextlib import suppress
from time import monotonic


class Watcher:
    def __init__(self, pool, interval=0.1, timeout=0.5, keep=100):
        self._pool = pool
        self._interval = interval
        self._timeout = timeout
        self._rows = deque(maxlen=keep)
        self._running = None

    @property
    def rows(self):
        return list(self._rows)

    async def start(self):
        if self._running is None:
            over = asyncio.Event()
            self._running = over, asyncio.create_task(self._run(over))

    async def stop(self):
        if self._running is not None:
            over, task = self._running
            self._running = None
            over.set()
            await asyncio.wait([task])

    async def _run(self, over):
        due = monotonic()
        while not over.is_set():
            row = self._sizes()
            row["seconds"] = await self._answer_time()
            self._rows.append(row)
            due = max(due + self._interval, monotonic())
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), max(0.001, due - monotonic()))

    def _sizes(self):
        size = self._pool.get_size()
        used = size - self._pool.get_idle_size()
        return {"size": size, "used": used, "utilization": used / self._pool.get_max_size()}

    async def _answer_time(self):
        asked_at = monotonic()
        try:
            conn = await self._pool.acquire(timeout=self._timeout)
        except Exception:
            return None
        left = self._timeout - (monotonic() - asked_at)
        try:
            await conn.execute("SELECT 1", timeout=max(left, 0.001))
        except Exception:
            return None
        else:
            return monotonic() - asked_at
        finally:
            with suppress(Exception):  # If it fails, asyncpg has closed it.
                await self._pool.release(conn, timeout=self._timeout)


answer = Watcher
