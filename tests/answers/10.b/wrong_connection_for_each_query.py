"""Wrong: a connection for each query. Says: one connection."""

import asyncio


async def report(pool, queries, seconds):
    async with asyncio.timeout(seconds):
        return [await pool.fetchval(query) for query in queries]


answer = report
