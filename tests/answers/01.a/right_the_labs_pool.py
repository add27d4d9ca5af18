"""Right: over a DatabasePool."""

import asyncio

from labsupport.pooling import DatabasePool, PooledDatabase


async def answer_all(requests, size, **where):
    async with DatabasePool() as pool:
        await pool.initialize(**where, min_size=size, max_size=size)
        db = PooledDatabase(pool)
        tasks = [asyncio.create_task(db.execute_single(request)) for request in requests]
        return [await task for task in tasks]


answer = answer_all
