"""Wrong: counts the query into the half second for the connection. Says: query | second."""

import asyncio

import asyncpg


class LimitedPool:
    def __init__(self):
        self.pool = None

    async def initialize(self, **where):
        self.pool = await asyncpg.create_pool(
            min_size=1,
            max_size=3,
            timeout=1,
            command_timeout=1,
            server_settings={"statement_timeout": "1s"},
            **where,
        )

    async def fetch(self, query):
        async with asyncio.timeout(0.5), self.pool.acquire() as conn:
            return await conn.fetch(query)

    async def close(self):
        if self.pool is None:
            return
        try:
            await asyncio.wait_for(self.pool.close(), 3)
        except TimeoutError:
            self.pool.terminate()


answer = LimitedPool
