"""Wrong: the limit begins when the connection is there. Says: waiting for a connection."""

import asyncio


async def report(pool, queries, seconds):
    async with pool.acquire() as conn, asyncio.timeout(seconds):
        return [await conn.fetchval(query) for query in queries]


answer = report
