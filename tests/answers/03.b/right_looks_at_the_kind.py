"""Right: any TimeoutError is caught, and raised again unless the pool's."""

from labsupport.pooling import PoolTimeout


async def ask(pool, query, patience):
    try:
        async with pool.acquire(timeout=patience) as conn:
            return await conn.fetchval(query)
    except TimeoutError as error:
        if not isinstance(error, PoolTimeout):
            raise
        stats = pool.get_pool_stats()
        return "{acquired_count} of {size} are busy".format(**stats)


answer = ask
