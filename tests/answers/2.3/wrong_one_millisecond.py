"""Wrong: gives the server 1 millisecond. Says: statement_timeout | QueryCanceledError."""

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
            server_settings={"statement_timeout": "1"},
            **where,
        )

    async def fetch(self, query):
        async with self.pool.acquire(timeout=0.5) as conn:
            return await conn.fetch(query)

    async def close(self):
        if self.pool is None:
            return
        try:
            await asyncio.wait_for(self.pool.close(), 3)
        except TimeoutError:
            self.pool.terminate()


answer = LimitedPool
