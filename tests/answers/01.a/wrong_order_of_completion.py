"""Wrong: the values as they come. Says: in the order of the requests."""

import asyncio

import asyncpg


async def answer_all(requests, size, **where):
    async with asyncpg.create_pool(**where, min_size=size, max_size=size) as pool:
        waiting = [asyncio.create_task(pool.fetchval(request)) for request in requests]
        return [await one for one in asyncio.as_completed(waiting)]


answer = answer_all
