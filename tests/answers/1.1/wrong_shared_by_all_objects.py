"""Wrong: the pool is kept on the class, so two objects share it. Says: second | shared."""

import asyncpg


class DatabasePool:
    pool = None

    async def initialize(self, min_size, max_size, **where):
        DatabasePool.pool = await asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)

    async def fetchval(self, query, *args):
        if DatabasePool.pool is None:
            raise RuntimeError("not open")
        return await DatabasePool.pool.fetchval(query, *args)

    async def close(self):
        if DatabasePool.pool is not None:
            await DatabasePool.pool.close()
            DatabasePool.pool = None


answer = DatabasePool
