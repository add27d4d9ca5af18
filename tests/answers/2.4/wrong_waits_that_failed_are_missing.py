"""Wrong: adds up only the waits that ended with a connection. Says: wait_seconds."""

import time
from contextlib import asynccontextmanager

import asyncpg


class MeasuredPool:
    def __init__(self):
        self.pool = None
        self.waiting = 0
        self.timeouts = 0
        self.wait_seconds = 0.0

    async def initialize(self, min_size, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)

    @asynccontextmanager
    async def acquire(self, timeout):
        began = time.monotonic()
        self.waiting += 1
        try:
            conn = await self.pool.acquire(timeout=timeout)
            self.wait_seconds += time.monotonic() - began
        except TimeoutError:
            self.timeouts += 1
            raise
        finally:
            self.waiting -= 1
        try:
            yield conn
        finally:
            await self.pool.release(conn, timeout=10)

    def metrics(self):
        size, idle = self.pool.get_size(), self.pool.get_idle_size()
        return {
            "max": self.pool.get_max_size(),
            "open": size,
            "used": size - idle,
            "idle": idle,
            "waiting": self.waiting,
            "timeouts": self.timeouts,
            "wait_seconds": self.wait_seconds,
        }

    async def close(self):
        await self.pool.close()


answer = MeasuredPool
