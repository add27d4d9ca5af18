"""Wrong: all requests on one connection at once. Says: another operation."""

import asyncio

import asyncpg


async def answer_all(requests, size, **where):
    pool = asyncpg.create_pool(**where, min_size=size, max_size=size)
    async with pool, pool.acquire(timeout=10) as conn:
        return await asyncio.gather(*(conn.fetchval(request) for request in requests))


answer = answer_all
