"""Right: as many workers as connections, each with one of its own."""

import asyncio

import asyncpg


async def answer_all(requests, size, **where):
    results = [None] * len(requests)
    todo = iter(range(len(requests)))

    async def worker():
        conn = await asyncpg.connect(**where)
        try:
            for index in todo:
                results[index] = await conn.fetchval(requests[index])
        finally:
            await conn.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(size, len(requests))):
            group.create_task(worker())
    return results


answer = answer_all
