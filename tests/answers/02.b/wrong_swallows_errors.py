"""Wrong: hides the query's exception. Says: raised nothing."""

import asyncpg


async def on_every_connection(pool, query):
    borrowed, found = [], []
    for _ in range(pool.get_pool_stats()["size"]):
        borrowed.append(await pool.acquire(timeout=5))
    for conn in borrowed:
        try:
            found.append(await conn.fetchval(query))
        except asyncpg.PostgresError as error:
            print(error)
        finally:
            await pool.release(conn)
    return found


answer = on_every_connection
