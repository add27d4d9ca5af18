"""Wrong: the results come in the order in which the queries end. Says: order."""

import asyncio


async def run_all(pool, queries):
    tasks = [asyncio.create_task(pool.fetchval(query)) for query in queries]
    results = []
    try:
        for ready in asyncio.as_completed(tasks):
            try:
                results.append(await ready)
            except Exception as error:
                results.append(error)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return results


answer = run_all
