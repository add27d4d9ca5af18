"""Right: the exception comes in an ExceptionGroup."""

import asyncio

import asyncpg


async def answer_all(requests, size, **where):
    async with asyncpg.create_pool(min_size=1, max_size=size, **where) as pool:
        async with asyncio.TaskGroup() as g:
            tasks = [g.create_task(pool.fetchval(r)) for r in requests]
        return [t.result() for t in tasks]


answer = answer_all
