"""Wrong: holds one, asks with another. Says: different connections."""


async def on_every_connection(pool, query):
    async with pool.acquire(timeout=5) as first:
        found = [await first.fetchval(query)]
        for _ in range(pool.get_pool_stats()["size"] - 1):
            async with pool.acquire(timeout=5) as conn:
                found.append(await conn.fetchval(query))
    return found


answer = on_every_connection
