"""Wrong: catches OSError, which is more than a TimeoutError. Says: the pool was not busy."""


async def ask(pool, query, patience):
    try:
        conn = await pool.acquire(timeout=patience)
    except OSError:
        return f"Busy: {pool.get_pool_stats()['acquired_count']} connections are in use."
    try:
        return await conn.fetchval(query)
    finally:
        await pool.release(conn)


answer = ask
