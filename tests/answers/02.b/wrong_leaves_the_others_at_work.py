"""Wrong: raises while the other queries still run. Says: who waits for the other queries."""

import asyncio


async def on_every_connection(pool, query):
    async def one():
        async with pool.acquire() as conn:
            return await conn.fetchval(query)

    return await asyncio.gather(*(one() for _ in range(pool.get_pool_stats()["size"])))


answer = on_every_connection
