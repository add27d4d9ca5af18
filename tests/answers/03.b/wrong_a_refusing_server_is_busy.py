"""Wrong: a connection that is refused counts as a full pool. Says: the pool was not busy."""


async def ask(pool, query, patience):
    try:
        conn = await pool.acquire(timeout=patience)
    except Exception:
        return "Busy: {acquired_count} of {max_size} connections are in use.".format(
            **pool.get_pool_stats()
        )
    try:
        return await conn.fetchval(query)
    finally:
        await pool.release(conn)


answer = ask
