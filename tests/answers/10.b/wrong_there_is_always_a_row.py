"""Wrong: takes the first of no rows. Says: there is no row: None."""

import asyncio


async def report(pool, queries, seconds):
    async with asyncio.timeout(seconds), pool.acquire() as conn:
        return [(await conn.fetch(query))[0][0] for query in queries]


answer = report
