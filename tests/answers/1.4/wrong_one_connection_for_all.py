"""Wrong: all queries at once on one connection. Says: share one connection."""

import asyncio


async def run_all(pool, queries):
    async with pool.acquire() as conn:
        return await asyncio.gather(
            *(conn.fetchval(query) for query in queries), return_exceptions=True
        )


answer = run_all
