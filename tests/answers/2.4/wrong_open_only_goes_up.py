"""Wrong: counts what was opened, and never what has ended. Says: goes down."""

import contextlib
import time

import asyncpg


class MeasuredPool:
    def __init__(self):
        self.opened = self.used = self.waiting = self.timeouts = 0
        self.waited = 0.0

    async def initialize(self, min_size, max_size, **where):
        async def init(conn):
            self.opened += 1

        self.pool = await asyncpg.create_pool(
            min_size=min_size, max_size=max_size, init=init, **where
        )

    @contextlib.asynccontextmanager
    async def acquire(self, timeout):
        started = time.monotonic()
        self.waiting += 1
        try:
            conn = await self.pool.acquire(timeout=timeout)
        except TimeoutError:
            self.timeouts += 1
            raise
        finally:
            self.waiting -= 1
            self.waited += time.monotonic() - started
        self.used += 1
        try:
            yield conn
        finally:
            self.used -= 1
            await self.pool.release(conn)

    def metrics(self):
        return {
            "max": self.pool.get_max_size(),
            "open": self.opened,
            "used": self.used,
            "idle": self.opened - self.used,
            "waiting": self.waiting,
            "timeouts": self.timeouts,
            "wait_seconds": self.waited,
        }

    async def close(self):
        await self.pool.close()


answer = MeasuredPool
