"""Wrong: forgets to await create_pool, so that nothing is open. Says: await."""

import asyncpg


class DatabasePool:
    def __init__(self):
        self.pool = None

    async def initialize(self, min_size, max_size, **where):
        self.pool = asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)

    async def fetchval(self, query, *args):
        if self.pool is None:
            raise RuntimeError("not open")
        return await self.pool.fetchval(query, *args)

    async def close(self):
        if self.pool is not None:
            await self.pool.close()
            self.pool = None


answer = DatabasePool
