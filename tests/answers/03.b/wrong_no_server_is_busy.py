"""Wrong: a server that is gone counts as a full pool. Says: the pool was not busy."""

from labsupport.pooling import PoolTimeout


async def ask(pool, query, patience):
    try:
        conn = await pool.acquire(timeout=patience)
    except (PoolTimeout, ConnectionError):
        stats = pool.get_pool_stats()
        return f"Try again later: {stats['acquired_count']} of {stats['max_size']} are in use."
    try:
        return await conn.fetchval(query)
    finally:
        await pool.release(conn)


answer = ask
