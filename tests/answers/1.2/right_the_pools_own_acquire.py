"""Right: hands out asyncpg's own acquire context."""

import asyncpg


class BorrowingPool:
    async def initialize(self, max_size, **where):
        self._pool = await asyncpg.create_pool(min_size=1, max_size=max_size, **where)

    def acquire(self, timeout):
        return self._pool.acquire(timeout=timeout)

    async def close(self):
        await self._pool.close()


answer = BorrowingPool
