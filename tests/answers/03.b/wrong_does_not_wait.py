"""Wrong: looks, and does not wait. Says: that it waits."""


async def ask(pool, query, patience):
    stats = pool.get_pool_stats()
    if stats["acquired_count"] == stats["size"]:
        return f"Busy: {stats['acquired_count']} of {stats['size']} connections are in use."
    async with pool.acquire(timeout=patience) as conn:
        return await conn.fetchval(query)


answer = ask
