"""Right: acquire with its own try, release in a finally."""


async def ask(pool, query, patience):
    try:
        conn = await pool.acquire(timeout=patience)
    except TimeoutError:
        stats = pool.get_pool_stats()
        return f"All connections ({stats['acquired_count']} of {stats['size']}) are lent out."
    try:
        return await conn.fetchval(query)
    finally:
        await pool.release(conn)


answer = ask
