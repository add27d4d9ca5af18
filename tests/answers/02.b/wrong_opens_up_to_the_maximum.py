"""Wrong: opens all that there may be. Says: ran 6 times | new."""


async def on_every_connection(pool, query):
    borrowed = []
    try:
        while pool.get_pool_stats()["acquired_count"] < 6:
            borrowed.append(await pool.acquire(timeout=5))
        return [await conn.fetchval(query) for conn in borrowed]
    finally:
        for conn in borrowed:
            await pool.release(conn)


answer = on_every_connection
