"""Wrong: hides every error. Says: the pool was not the trouble."""


async def ask(pool, query, patience):
    try:
        async with pool.acquire(timeout=patience) as conn:
            return await conn.fetchval(query)
    except Exception:
        stats = pool.get_pool_stats()
        return f"Busy: {stats['acquired_count']} of {stats['size']} connections are in use."


answer = ask
