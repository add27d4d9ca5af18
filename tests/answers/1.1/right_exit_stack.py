"""Right: an AsyncExitStack holds the open pool and closes it."""

from contextlib import AsyncExitStack

import asyncpg


class DatabasePool:
    def __init__(self):
        self._open = AsyncExitStack()
        self._run = self._refuse

    async def _refuse(self, query, *args):
        raise RuntimeError("initialize() has not been called, or close() has")

    async def initialize(self, min_size, max_size, **where):
        pool = asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)
        await self._open.enter_async_context(pool)
        self._run = pool.fetchval

    async def fetchval(self, query, *args):
        return await self._run(query, *args)

    async def close(self):
        self._run = self._refuse
        await self._open.aclose()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        await self.close()


answer = DatabasePool
