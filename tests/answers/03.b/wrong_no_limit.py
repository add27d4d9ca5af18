"""Wrong: waits as long as the pool lets it. Says: had not ended."""

from labsupport.pooling import PoolTimeout


async def ask(pool, query, patience):
    try:
        async with pool.acquire() as conn:
            return await conn.fetchval(query)
    except PoolTimeout:
        stats = pool.get_pool_stats()
        return f"Busy: {stats['acquired_count']} of {stats['size']} connections are in use."


answer = ask
