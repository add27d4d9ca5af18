"""Right: tasks by hand; when cancelled, all are cancelled and waited for."""

import asyncio


async def fetch(pool, places, query):
    async with places:
        return await pool.fetchval(query)


async def everything(pool, queries):
    places = asyncio.Semaphore(pool.get_max_size())
    tasks = [asyncio.create_task(fetch(pool, places, query)) for query in queries]
    if not tasks:
        return []
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
    return [task.exception() or task.result() for task in tasks]


answer = everything
