"""Exercise 2.3: a limit for each wait."""

import asyncpg

__all__ = ["LimitedPool"]


class LimitedPool:
    """A pool of 3 in which nothing waits for ever."""

    async def initialize(self, **where):
        """Open the pool, within 1 s for each connection."""
        self._pool = await asyncpg.create_pool(
            min_size=1,
            max_size=3,
            timeout=1,  # making a connection
            command_timeout=1.2,  # the client's own limit, should the server not keep to its
            # Sent with the connection itself. A SET in an init hook would be undone by the
            # RESET ALL of the first release.
            server_settings={"statement_timeout": "1s"},
            **where,
        )

    async def fetch(self, query):
        """Return the rows of a query."""
        async with self._pool.acquire(timeout=0.5) as conn:
            return await conn.fetch(query)

    async def close(self):
        """Close all connections."""
        await self._pool.close()
