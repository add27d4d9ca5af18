"""Exercise 1.4: many queries over few connections."""

import asyncio

__all__ = ["run_all"]


async def run_all(pool, queries):
    """Return the value of each query, or its exception, in the order of the queries."""
    # pool.fetchval borrows a connection for one query. Those that find none free wait.
    waiting = (pool.fetchval(query) for query in queries)
    return await asyncio.gather(*waiting, return_exceptions=True)
