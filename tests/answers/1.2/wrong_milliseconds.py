"""Wrong: takes the timeout for milliseconds. Says: unit | milli."""

import asyncpg


class BorrowingPool:
    async def initialize(self, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=1, max_size=max_size, **where)

    def acquire(self, timeout):
        return self.pool.acquire(timeout=timeout / 1000)

    async def close(self):
        await self.pool.close()


answer = BorrowingPool
