"""Exercise 1.1: a pool that opens and closes when told."""

import asyncpg

__all__ = ["DatabasePool"]


class DatabasePool:
    """An asyncpg pool of this object's own."""

    def __init__(self):
        self._pool = None

    async def initialize(self, min_size, max_size, **where):
        """Open the pool."""
        # The await is what opens the connections.
        self._pool = await asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)

    async def fetchval(self, query, *args):
        """Return the first value of the first row."""
        if self._pool is None:
            raise RuntimeError("The pool is not open: await initialize() first.")
        return await self._pool.fetchval(query, *args)

    async def close(self):
        """Close all connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()
