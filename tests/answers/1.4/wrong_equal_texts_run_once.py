"""Wrong: runs a query once whose text is in the list twice. Says: same text."""

import asyncio


async def run_all(pool, queries):
    results = {}

    async def run(query):
        try:
            results[query] = await pool.fetchval(query)
        except Exception as e:
            results[query] = e

    await asyncio.gather(*(run(query) for query in set(queries)))
    return [results[query] for query in queries]


answer = run_all
