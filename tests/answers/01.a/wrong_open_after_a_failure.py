"""Wrong: closed only when all went well. Says: after a request that failed."""

import asyncio

import asyncpg


async def answer_all(requests, size, **where):
    pool = await asyncpg.create_pool(**where, min_size=size, max_size=size)
    values = await asyncio.gather(*(pool.fetchval(request) for request in requests))
    await pool.close()
    return values


answer = answer_all
