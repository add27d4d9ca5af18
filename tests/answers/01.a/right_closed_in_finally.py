"""Right: opened by hand, closed in a finally, borrowed with a limit."""

import asyncio

import asyncpg


async def one(pool, request):
    async with pool.acquire(timeout=30) as conn:
        return await conn.fetchval(request)


async def answer_all(requests, size, **where):
    pool = await asyncpg.create_pool(**where, min_size=1, max_size=size)
    try:
        tasks = [asyncio.create_task(one(pool, request)) for request in requests]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        for value in done:
            if isinstance(value, Exception):
                raise value
        return done
    finally:
        await pool.close()


answer = answer_all
