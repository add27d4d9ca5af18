"""Wrong: asyncpg's own sizes. Says: server processes answered."""

import asyncio

import asyncpg


async def answer_all(requests, size, **where):
    async with asyncpg.create_pool(**where) as pool:
        return await asyncio.gather(*(pool.fetchval(request) for request in requests))


answer = answer_all
