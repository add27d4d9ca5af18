"""Wrong: the client gives up by itself. Says: the server itself has to know."""


async def fetch_within(conn, milliseconds, query):
    return await conn.fetchval(query, timeout=milliseconds / 1000)


answer = fetch_within
