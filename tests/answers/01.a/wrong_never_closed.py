"""Wrong: the pool stays open. Says: still open after answer_all."""

import asyncio

import asyncpg


async def answer_all(requests, size, **where):
    pool = await asyncpg.create_pool(**where, min_size=size, max_size=size)
    return await asyncio.gather(*(pool.fetchval(request) for request in requests))


answer = answer_all
