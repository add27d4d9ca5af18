"""Wrong: a SET that stays. Says: 19s, and after."""


async def fetch_within(conn, milliseconds, query):
    await conn.execute(f"SET statement_timeout = {milliseconds}")
    return await conn.fetchval(query)


answer = fetch_within
