"""Wrong: a pool for each request. Says: server processes answered | how often."""

import asyncio

import asyncpg


async def one(request, size, where):
    async with asyncpg.create_pool(**where, min_size=1, max_size=size) as pool:
        return await pool.fetchval(request)


async def answer_all(requests, size, **where):
    gate = asyncio.Semaphore(size)

    async def in_turn(request):
        async with gate:
            return await one(request, size, where)

    return await asyncio.gather(*(in_turn(request) for request in requests))


answer = answer_all
