"""Wrong: max_size is not passed on, and asyncpg's own 10 applies. Says: max_size."""

import asyncpg


class DatabasePool:
    def __init__(self):
        self.pool = None

    async def initialize(self, min_size, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=min_size, **where)

    async def fetchval(self, query, *args):
        if self.pool is None:
            raise RuntimeError("not open")
        return await self.pool.fetchval(query, *args)

    async def close(self):
        if self.pool is not None:
            await self.pool.close()
            self.pool = None


answer = DatabasePool
