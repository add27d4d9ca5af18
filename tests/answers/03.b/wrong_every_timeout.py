"""Wrong: calls a slow query a full pool. Says: a query can time out, too."""


async def ask(pool, query, patience):
    try:
        async with pool.acquire(timeout=patience) as conn:
            return await conn.fetchval(query)
    except TimeoutError:
        stats = pool.get_pool_stats()
        return f"Busy: {stats['acquired_count']} of {stats['size']} connections are in use."


answer = ask
