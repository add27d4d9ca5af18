"""Right: the pool itself, each with its own limit."""

import asyncio


async def details(db, list_query, detail_query):
    found = {}

    async def one(key):
        async with db.pool.acquire(timeout=10) as conn:
            found[key] = await conn.fetchval(detail_query, key)

    async with db.pool.acquire(timeout=10) as conn:
        keys = await conn.fetch(list_query)
    await asyncio.gather(*(one(key) for (key,) in keys))
    return found


answer = details
