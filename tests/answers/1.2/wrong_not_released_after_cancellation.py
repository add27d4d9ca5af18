"""Wrong: except Exception does not see a cancellation. Says: cancel."""

from contextlib import asynccontextmanager

import asyncpg


class BorrowingPool:
    async def initialize(self, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=1, max_size=max_size, **where)

    @asynccontextmanager
    async def acquire(self, timeout):
        conn = await self.pool.acquire(timeout=timeout)
        try:
            yield conn
        except Exception:
            await self.pool.release(conn)
            raise
        else:
            await self.pool.release(conn)

    async def close(self):
        await self.pool.close()


answer = BorrowingPool
