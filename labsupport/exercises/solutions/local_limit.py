"""Exercise 03.a: a limit that ends with its transaction."""

__all__ = ["fetch_within"]


async def fetch_within(conn, milliseconds, query):
    """Return the query's first value; the server stops it after `milliseconds`."""
    async with conn.transaction():
        await conn.execute(f"SET LOCAL statement_timeout = {int(milliseconds)}")
        return await conn.fetchval(query)
