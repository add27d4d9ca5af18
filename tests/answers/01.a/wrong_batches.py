"""Wrong: a quick request waits for the slowest of its batch. Says: any connection that is free."""

import asyncio

import asyncpg


async def answer_all(requests, size, **where):
    out = []
    async with asyncpg.create_pool(min_size=1, max_size=size, **where) as pool:
        for i in range(0, len(requests), size):
            out += await asyncio.gather(*(pool.fetchval(r) for r in requests[i : i + size]))
    return out


answer = answer_all
