"""Wrong: the connection is not released when something fails. Says: released."""

import asyncio


async def report(pool, queries, seconds):
    async with asyncio.timeout(seconds):
        conn = await pool.acquire()
        values = [await conn.fetchval(query) for query in queries]
        await pool.release(conn)
        return values


answer = report
