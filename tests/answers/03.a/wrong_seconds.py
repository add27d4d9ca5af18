"""Wrong: milliseconds taken for seconds. Says: in which unit."""


async def fetch_within(conn, milliseconds, query):
    async with conn.transaction():
        await conn.execute(f"SET LOCAL statement_timeout = '{milliseconds}s'")
        return await conn.fetchval(query)


answer = fetch_within
