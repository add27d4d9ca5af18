"""Wrong: a worker keeps a connection that has ended. Says: server ended."""

import asyncio


async def run_all(pool, queries):
    results = [None] * len(queries)
    work = list(enumerate(queries))[::-1]

    async def worker():
        async with pool.acquire() as conn:
            while work:
                place, query = work.pop()
                try:
                    results[place] = await conn.fetchval(query)
                except Exception as error:
                    results[place] = error

    async with asyncio.TaskGroup() as group:
        for _ in range(min(pool.get_max_size(), len(queries))):
            group.create_task(worker())
    return results


answer = run_all
