"""Wrong: takes the smaller of two limits. Says: a longer one."""


async def fetch_within(conn, milliseconds, query):
    async with conn.transaction():
        now = await conn.fetchval(
            "SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'"
        )
        limit = min(now, milliseconds) if now else milliseconds
        await conn.execute(f"SET LOCAL statement_timeout = {limit}")
        return await conn.fetchval(query)


answer = fetch_within
