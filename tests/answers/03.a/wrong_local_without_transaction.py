"""Wrong: SET LOCAL alone does nothing. Says: whether what it is told lasts."""


async def fetch_within(conn, milliseconds, query):
    await conn.execute(f"SET LOCAL statement_timeout = {milliseconds}")
    return await conn.fetchval(query)


answer = fetch_within
