"""Wrong: meets the same one again. Says: on 1 different connections."""


async def on_every_connection(pool, query):
    found = []
    for _ in range(pool.get_pool_stats()["size"]):
        async with pool.acquire(timeout=5) as conn:
            found.append(await conn.fetchval(query))
    return found


answer = on_every_connection
