"""Wrong: after a failing query the connection is not given back. Says: fail."""

import asyncpg


class DatabasePool:
    def __init__(self):
        self.pool = None

    async def initialize(self, min_size, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)

    async def fetchval(self, query, *args):
        if self.pool is None:
            raise RuntimeError("not open")
        conn = await self.pool.acquire()
        value = await conn.fetchval(query, *args)
        await self.pool.release(conn)
        return value

    async def close(self):
        if self.pool is not None:
            await self.pool.close()
            self.pool = None


answer = DatabasePool
