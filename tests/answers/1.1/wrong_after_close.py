"""Wrong: after close asyncpg's own exception comes. Says: raised InterfaceError."""

import asyncpg


class DatabasePool:
    def __init__(self):
        self.pool = None

    async def initialize(self, min_size, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)

    async def fetchval(self, query, *args):
        if not self.pool:
            raise RuntimeError("Pool not initialized")
        return await self.pool.fetchval(query, *args)

    async def close(self):
        if self.pool:
            await self.pool.close()


answer = DatabasePool
