"""Wrong: max_size is not passed on. Says: max_size."""

import asyncpg


class BorrowingPool:
    async def initialize(self, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=1, **where)

    def acquire(self, timeout):
        return self.pool.acquire(timeout=timeout)

    async def close(self):
        await self.pool.close()


answer = BorrowingPool
