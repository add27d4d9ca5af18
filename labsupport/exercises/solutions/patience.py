"""Exercise 03.b: wait with a limit, and say so when it is over."""

from labsupport.pooling import PoolTimeout

__all__ = ["ask"]


async def ask(pool, query, patience):
    """Return the query's first value, or a sentence when no connection came in time."""
    try:
        async with pool.acquire(timeout=patience) as conn:
            return await conn.fetchval(query)
    except PoolTimeout:
        # Only the wait for a connection raises it; a query that is late raises TimeoutError.
        stats = pool.get_pool_stats()
        return f"Busy: {stats['acquired_count']} of {stats['size']} connections are in use."
