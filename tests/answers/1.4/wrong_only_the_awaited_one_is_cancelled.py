"""Wrong: only the task awaited now is cancelled. Says: still at work."""

import asyncio


async def run_all(pool, queries):
    tasks = [asyncio.create_task(pool.fetchval(query)) for query in queries]
    results = []
    for task in tasks:
        try:
            results.append(await task)
        except Exception as error:
            results.append(error)
    return results


answer = run_all
