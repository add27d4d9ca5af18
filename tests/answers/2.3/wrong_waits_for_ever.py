"""Wrong: waits for a free connection without a limit. Says: half a second | 0.5 | timeout."""

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
        return await self.pool.fetch(query)

    async def close(self):
        if self.pool is None:
            return
        try:
            await asyncio.wait_for(self.pool.close(), 3)
        except TimeoutError:
            self.pool.terminate()


answer = LimitedPool
