"""Wrong: a failure leaves the limit. Says: it was 500ms."""


async def fetch_within(conn, milliseconds, query):
    before = await conn.fetchval("SHOW statement_timeout")
    await conn.execute(f"SET statement_timeout = '{milliseconds}ms'")
    value = await conn.fetchval(query)
    await conn.execute(f"SET statement_timeout = '{before}'")
    return value


answer = fetch_within
