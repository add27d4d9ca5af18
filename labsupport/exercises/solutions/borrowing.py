"""Exercise 1.2: lend connections, with a limit, and take them back."""

from contextlib import asynccontextmanager

import asyncpg

__all__ = ["BorrowingPool"]


class BorrowingPool:
    """A pool whose connections come back whatever happens."""

    async def initialize(self, max_size, **where):
        """Open the pool."""
        self._pool = await asyncpg.create_pool(min_size=1, max_size=max_size, **where)

    @asynccontextmanager
    async def acquire(self, timeout):
        """Lend a connection for the time of a block."""
        conn = await self._pool.acquire(timeout=timeout)
        try:
            yield conn
        finally:
            # This also runs after an exception and after a cancellation.
            await self._pool.release(conn)

    async def close(self):
        """Close all connections."""
        await self._pool.close()
