"""Exercise 10.b: one limit around a whole request."""

import asyncio

__all__ = ["report"]


async def report(pool, queries, seconds):
    """Return the first value of each query, all within the limit; raises TimeoutError."""
    async with asyncio.timeout(seconds), pool.acquire() as connection:
        return [await connection.fetchval(query) for query in queries]
