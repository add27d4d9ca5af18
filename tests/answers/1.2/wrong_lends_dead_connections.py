"""Wrong: lends again a connection that the server ended. Says: server ended."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg


class BorrowingPool:
    async def initialize(self, max_size, **where):
        self.free = asyncio.Queue()
        self.all = [await asyncpg.connect(**where) for _ in range(max_size)]
        for conn in self.all:
            self.free.put_nowait(conn)

    @asynccontextmanager
    async def acquire(self, timeout):
        async with asyncio.timeout(timeout):
            conn = await self.free.get()
        try:
            yield conn
        finally:
            self.free.put_nowait(conn)

    async def close(self):
        for conn in self.all:
            await conn.close()


answer = BorrowingPool
