"""Wrong: waits for each answer. Says: at work at the same time."""

import asyncpg


async def answer_all(requests, size, **where):
    async with asyncpg.create_pool(**where, min_size=size, max_size=size) as pool:
        return [await pool.fetchval(request) for request in requests]


answer = answer_all
