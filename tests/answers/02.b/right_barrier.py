"""Right: tasks that wait until each has a connection."""

import asyncio


async def on_every_connection(pool, query):
    size = pool.get_pool_stats()["size"]
    barrier = asyncio.Barrier(size)

    async def one():
        async with pool.acquire(timeout=5) as conn:
            await barrier.wait()
            return await conn.fetchval(query)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one()) for _ in range(size)]
    return [task.result() for task in tasks]


answer = on_every_connection
