"""Wrong: does not give the connection back when the query fails. Says: back | release | free."""

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
        conn = await self.pool.acquire(timeout=0.5)
        rows = await conn.fetch(query)
        await self.pool.release(conn)
        return rows

    async def close(self):
        if self.pool is None:
            return
        try:
            await asyncio.wait_for(self.pool.close(), 3)
        except TimeoutError:
            self.pool.terminate()


answer = LimitedPool
