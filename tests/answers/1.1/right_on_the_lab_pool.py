"""Right: the lab's own pool does the work."""

from labsupport import pooling


class DatabasePool:
    def __init__(self):
        self.inner = pooling.DatabasePool()
        self.is_open = False

    async def initialize(self, min_size, max_size, **where):
        await self.inner.initialize(
            min_size=min_size, max_size=max_size, acquire_timeout=600, **where
        )
        self.is_open = True

    async def fetchval(self, query, *args):
        if not self.is_open:
            raise RuntimeError("initialize the pool first")
        async with self.inner.acquire() as conn:
            return await conn.fetchval(query, *args)

    async def close(self):
        self.is_open = False
        await self.inner.close()


answer = DatabasePool
