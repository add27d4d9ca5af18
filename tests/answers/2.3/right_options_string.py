"""Right: limits around the calls, and `-c` in the session's `options`."""

import asyncio

import asyncpg


class Patient:
    pool = None

    async def initialize(self, **where):
        async with asyncio.timeout(1):
            self.pool = await asyncpg.create_pool(
                min_size=3,
                max_size=3,
                timeout=1,
                server_settings={"options": "-c statement_timeout=1000"},
                **where,
            )

    async def fetch(self, query):
        conn = await self.pool.acquire(timeout=0.5)
        try:
            # The server ends it after 1 second. This is for a server that stands still.
            async with asyncio.timeout(1.25):
                return await conn.fetch(query)
        finally:
            await self.pool.release(conn, timeout=1)

    async def close(self):
        pool, self.pool = self.pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(2):
                    await pool.close()
            except TimeoutError:
                pool.terminate()


answer = Patient
