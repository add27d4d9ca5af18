"""Wrong: who waited in vain gets a connection later and keeps it. Says: a wait that ended."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg


class BorrowingPool:
    async def initialize(self, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=1, max_size=max_size, **where)
        self.waiting = set()

    @asynccontextmanager
    async def acquire(self, timeout):
        task = asyncio.create_task(self._get())
        self.waiting.add(task)
        done, _ = await asyncio.wait([task], timeout=timeout)
        if not done:
            raise TimeoutError("no connection")
        conn = task.result()
        try:
            yield conn
        finally:
            await self.pool.release(conn)

    async def _get(self):
        return await self.pool.acquire()

    async def close(self):
        await self.pool.close()


answer = BorrowingPool
