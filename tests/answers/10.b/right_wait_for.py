"""Right: wait_for around a function that does all of it."""

import asyncio


async def report(pool, queries, seconds):
    async def all_of_it():
        values = []
        async with pool.acquire() as conn:
            for query in queries:
                values.append(await conn.fetchval(query))
        return values

    return await asyncio.wait_for(all_of_it(), timeout=seconds)


answer = report
