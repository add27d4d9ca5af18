"""Wrong: one connection and a lock for all. Says: a lock | same time."""

import asyncio

import asyncpg


class DatabasePool:
    def __init__(self):
        self.pool = None
        self.only = None
        self.lock = asyncio.Lock()

    async def initialize(self, min_size, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)
        self.only = await self.pool.acquire()

    async def fetchval(self, query, *args):
        if self.pool is None:
            raise RuntimeError("not open")
        async with self.lock:
            return await self.only.fetchval(query, *args)

    async def close(self):
        if self.pool is not None:
            await self.pool.release(self.only)
            await self.pool.close()
            self.pool = None


answer = DatabasePool
