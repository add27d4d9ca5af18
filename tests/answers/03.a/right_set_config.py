"""Right: set_config, local to the transaction."""


async def fetch_within(conn, milliseconds, query):
    async with conn.transaction():
        await conn.fetchval("SELECT set_config('statement_timeout', $1, true)", f"{milliseconds}ms")
        return await conn.fetchval(query)


answer = fetch_within
