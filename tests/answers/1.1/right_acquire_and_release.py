"""Right: acquire and release in try and finally, all connections opened at once."""

import asyncpg


class Connections:
    pool = None

    async def initialize(self, *, min_size=1, max_size=10, **where):
        # As many as may ever be open are open from the beginning.
        self.pool = await asyncpg.create_pool(min_size=max_size, max_size=max_size, **where)

    def _opened(self):
        if self.pool is None or self.pool.is_closing():
            raise RuntimeError("not initialized, or closed")
        return self.pool

    async def fetchval(self, query, *args):
        pool = self._opened()
        conn = await pool.acquire()
        try:
            row = await conn.fetchrow(query, *args)
            return None if row is None else row[0]
        finally:
            await pool.release(conn)

    async def close(self):
        if self.pool is not None and not self.pool.is_closing():
            await self.pool.close()


answer = Connections
