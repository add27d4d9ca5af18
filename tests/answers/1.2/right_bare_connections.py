"""Right: bare asyncpg connections behind a semaphore; each is cleaned before it is lent again."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg


class BorrowingPool:
    def __init__(self):
        self._free = []
        self._returning = set()

    async def initialize(self, max_size, **where):
        self._where, self._max_size = where, max_size
        self._places = asyncio.Semaphore(max_size)
        self._free.append(await asyncpg.connect(**where))

    @asynccontextmanager
    async def acquire(self, timeout):
        async with asyncio.timeout(timeout):
            await self._places.acquire()
            try:
                conn = await self._take()
            except BaseException:
                self._places.release()
                raise
        try:
            yield conn
        finally:
            returning = asyncio.ensure_future(self._take_back(conn))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)
            await asyncio.shield(returning)

    async def _take(self):
        while self._free:
            conn = self._free.pop()
            if not conn.is_closed():
                return conn
        return await asyncpg.connect(**self._where)

    async def _take_back(self, conn):
        try:
            if not conn.is_closed():
                await conn.reset(timeout=10)
                self._free.append(conn)
        except Exception:
            conn.terminate()  # The next one gets a new connection.
        finally:
            self._places.release()

    async def close(self):
        for _ in range(self._max_size):  # Waits for those that are lent out.
            await self._places.acquire()
        while self._free:
            await self._free.pop().close()


answer = BorrowingPool
