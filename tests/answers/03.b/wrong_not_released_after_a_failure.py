"""Wrong: an error skips the release. Says: a query that failed."""

from labsupport.pooling import PoolTimeout


async def ask(pool, query, patience):
    try:
        conn = await pool.acquire(timeout=patience)
    except PoolTimeout:
        stats = pool.get_pool_stats()
        return f"Busy: {stats['acquired_count']} of {stats['size']} connections are in use."
    value = await conn.fetchval(query)
    await pool.release(conn)
    return value


answer = ask
