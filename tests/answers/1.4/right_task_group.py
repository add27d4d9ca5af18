"""Right: a TaskGroup; each task keeps its exception and writes to its own place."""

import asyncio


async def run_all(pool, queries):
    results = [None] * len(queries)

    async def run(place, query):
        try:
            async with pool.acquire() as conn:
                results[place] = await conn.fetchval(query)
        except Exception as error:
            results[place] = error

    async with asyncio.TaskGroup() as group:
        for place, query in enumerate(queries):
            group.create_task(run(place, query))
    return results


answer = run_all
