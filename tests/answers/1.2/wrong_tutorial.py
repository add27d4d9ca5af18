"""Wrong: the tutorial's acquire, a coroutine that cannot stand in async with. Says: async with."""

import asyncpg


class BorrowingPool:
    def __init__(self):
        self.pool = None

    async def initialize(self, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=1, max_size=max_size, **where)

    async def acquire(self, timeout) -> asyncpg.Connection:
        """Acquire a connection from the pool"""
        if not self.pool:
            raise RuntimeError("Pool not initialized")

        return await self.pool.acquire(timeout=timeout)

    async def release(self, conn: asyncpg.Connection):
        """Release a connection back to the pool"""
        if self.pool:
            await self.pool.release(conn)

    async def close(self):
        """Close the connection pool"""
        if self.pool:
            await self.pool.close()


answer = BorrowingPool
