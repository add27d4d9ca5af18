"""Right: remembers the old limit, and puts it back in a finally."""


async def fetch_within(conn, milliseconds, query):
    before = await conn.fetchval("SHOW statement_timeout")
    await conn.execute(f"SET statement_timeout = '{milliseconds}ms'")
    try:
        return await conn.fetchval(query)
    finally:
        await conn.execute(f"SET statement_timeout = '{before}'")


answer = fetch_within
