"""Wrong: gives the connection back only when the block ends well. Says: released."""

from contextlib import asynccontextmanager

import asyncpg


class BorrowingPool:
    async def initialize(self, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=1, max_size=max_size, **where)

    @asynccontextmanager
    async def acquire(self, timeout):
        conn = await self.pool.acquire(timeout=timeout)
        yield conn
        await self.pool.release(conn)

    async def close(self):
        await self.pool.close()


answer = BorrowingPool
