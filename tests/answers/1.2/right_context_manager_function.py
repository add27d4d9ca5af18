"""Right: asynccontextmanager with try and finally."""

from contextlib import asynccontextmanager

import asyncpg


class Library:
    def __init__(self):
        self.pool = None

    async def initialize(self, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=0, max_size=max_size, **where)

    @asynccontextmanager
    async def acquire(self, timeout=None):
        conn = await self.pool.acquire(timeout=timeout)
        try:
            yield conn
        finally:
            # The limit of the wait is none for the cleaning afterwards.
            await self.pool.release(conn, timeout=10)

    async def close(self):
        if self.pool is not None:
            await self.pool.close()
            self.pool = None


answer = Library
