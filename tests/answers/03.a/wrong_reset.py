"""Wrong: back to the session's beginning. Says: 19s, and after."""


async def fetch_within(conn, milliseconds, query):
    await conn.execute(f"SET statement_timeout = {milliseconds}")
    try:
        return await conn.fetchval(query)
    finally:
        await conn.execute("RESET statement_timeout")


answer = fetch_within
