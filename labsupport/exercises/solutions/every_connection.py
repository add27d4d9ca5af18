"""Exercise 02.b: borrow all connections before the first one goes back."""

__all__ = ["on_every_connection"]


async def on_every_connection(pool, query):
    """Run the query once on each connection that is open; return what each said."""
    borrowed = []
    try:
        for _ in range(pool.get_pool_stats()["size"]):
            borrowed.append(await pool.acquire(timeout=5))
        return [await conn.fetchval(query) for conn in borrowed]
    finally:
        for conn in borrowed:
            await pool.release(conn)
