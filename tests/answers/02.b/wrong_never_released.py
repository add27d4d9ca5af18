"""Wrong: keeps all of them. Says: were not released."""


async def on_every_connection(pool, query):
    size = pool.get_pool_stats()["size"]
    borrowed = [await pool.acquire(timeout=5) for _ in range(size)]
    return [await conn.fetchval(query) for conn in borrowed]


answer = on_every_connection
