"""Wrong: leaves the wait for a connection out of `seconds`. Says: seconds."""

import asyncio
import time
from contextlib import suppress

import asyncpg


class Monitor:
    def __init__(self, pool, interval=0.1, timeout=0.5, keep=100):
        self.pool = pool
        self.interval = interval
        self.timeout = timeout
        self.keep = keep
        self.rows = []
        self._task = None
        self._returning = None

    async def start(self):
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    async def stop(self):
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        if self._returning is not None:
            await asyncio.wait([self._returning])

    async def _watch(self):
        while True:
            began = time.monotonic()
            size, idle = self.pool.get_size(), self.pool.get_idle_size()
            row = {
                "size": size,
                "used": size - idle,
                "utilization": (size - idle) / self.pool.get_max_size(),
                "seconds": await self._ask(),
            }
            self.rows.append(row)
            while len(self.rows) > self.keep:
                del self.rows[0]
            await asyncio.sleep(max(0, self.interval - (time.monotonic() - began)))

    async def _ask(self):
        conn = seconds = None
        try:
            async with asyncio.timeout(self.timeout):
                conn = await self.pool.acquire()
                began = time.perf_counter()
                await conn.fetchval("SELECT 1")
            seconds = time.perf_counter() - began
        except Exception:
            seconds = None
        finally:
            if conn is not None:
                if seconds is None:  # Nobody knows what state it is in.
                    with suppress(asyncpg.InterfaceError):
                        conn.terminate()
                self._returning = asyncio.ensure_future(self._give_back(conn))
                await asyncio.shield(self._returning)
        return seconds

    async def _give_back(self, conn):
        with suppress(Exception):
            await self.pool.release(conn, timeout=self.timeout)


answer = Monitor
