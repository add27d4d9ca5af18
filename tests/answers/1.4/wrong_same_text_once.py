"""Wrong: a dictionary from text to result; equal texts fall together. Says: same text."""

import asyncio


async def run_all(pool, queries):
    results = {}

    async def run(query):
        try:
            results[query] = await pool.fetchval(query)
        except Exception as error:
            results[query] = error

    wanted = dict.fromkeys(queries)
    await asyncio.gather(*(run(query) for query in wanted))
    return [results[query] for query in wanted]


answer = run_all
