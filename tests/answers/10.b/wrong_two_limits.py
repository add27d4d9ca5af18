"""Wrong: one limit for the wait and the same again for the queries. Says: a wait of 0.6 s."""

import asyncio


async def report(pool, queries, seconds):
    async with pool.acquire(timeout=seconds) as conn, asyncio.timeout(seconds):
        return [await conn.fetchval(query) for query in queries]


answer = report
