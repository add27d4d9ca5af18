"""Wrong: SET takes no parameters. Says: syntax error."""


async def fetch_within(conn, milliseconds, query):
    async with conn.transaction():
        await conn.execute("SET LOCAL statement_timeout = $1", str(milliseconds))
        return await conn.fetchval(query)


answer = fetch_within
