"""Wrong: an error skips the release. Says: query fails on one."""


async def on_every_connection(pool, query):
    size = pool.get_pool_stats()["size"]
    borrowed = [await pool.acquire(timeout=5) for _ in range(size)]
    found = [await conn.fetchval(query) for conn in borrowed]
    for conn in borrowed:
        await pool.release(conn)
    return found


answer = on_every_connection
