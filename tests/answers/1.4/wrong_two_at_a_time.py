"""Wrong: a semaphore of two, however large the pool is. Says: more than 2."""

import asyncio


async def run_all(pool, queries):
    limit = asyncio.Semaphore(2)

    async def run(query):
        async with limit:
            return await pool.fetchval(query)

    return await asyncio.gather(*(run(query) for query in queries), return_exceptions=True)


answer = run_all
