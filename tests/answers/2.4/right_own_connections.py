"""Right: a pool made by hand from a condition and bare connections."""

import asyncio
import time
from contextlib import asynccontextmanager

import asyncpg


class HandMade:
    def __init__(self):
        self.where = {}
        self.largest = 0
        self.places = None
        self.free = []
        self.lent = set()
        self.returning = set()
        self.line = 0
        self.late = 0
        self.waits = 0.0

    async def initialize(self, min_size, max_size, **where):
        self.where, self.largest = where, max_size
        self.places = asyncio.Semaphore(max_size)
        for _ in range(min_size):
            self.free.append(await asyncpg.connect(**where))

    async def _next(self):
        await self.places.acquire()
        try:
            while self.free:
                conn = self.free.pop()
                if not conn.is_closed():
                    break
            else:
                conn = await asyncpg.connect(**self.where)
        except BaseException:
            self.places.release()
            raise
        self.lent.add(conn)
        return conn

    async def _clean(self, conn):
        try:
            await conn.reset(timeout=5)
        except Exception:
            conn.terminate()
        else:
            self.free.append(conn)
        finally:
            self.lent.discard(conn)
            self.places.release()

    @asynccontextmanager
    async def acquire(self, timeout):
        began = time.monotonic()
        self.line += 1
        try:
            async with asyncio.timeout(timeout) as limit:
                conn = await self._next()
        finally:
            self.line -= 1
            self.late += limit.expired()
            self.waits += time.monotonic() - began
        try:
            yield conn
        finally:
            cleaning = asyncio.ensure_future(self._clean(conn))
            self.returning.add(cleaning)
            cleaning.add_done_callback(self.returning.discard)
            await asyncio.shield(cleaning)

    def metrics(self):
        idle = sum(not conn.is_closed() for conn in self.free)
        used = sum(not conn.is_closed() for conn in self.lent)
        return {
            "max": self.largest,
            "open": idle + used,
            "used": used,
            "idle": idle,
            "waiting": self.line,
            "timeouts": self.late,
            "wait_seconds": self.waits,
        }

    async def close(self):
        for conn in [*self.free, *self.lent]:
            await conn.close()
        self.free.clear()


answer = HandMade
