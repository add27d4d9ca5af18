"""Wrong: the timeout ends the block as well. Says: block | longer | wait only."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg


class BorrowingPool:
    async def initialize(self, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=1, max_size=max_size, **where)

    @asynccontextmanager
    async def acquire(self, timeout):
        async with asyncio.timeout(timeout), self.pool.acquire() as conn:
            yield conn

    async def close(self):
        await self.pool.close()


answer = BorrowingPool
