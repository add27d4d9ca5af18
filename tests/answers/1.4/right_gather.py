"""Right: gather with return_exceptions over the pool's own fetchval."""

import asyncio


async def run_all(pool, queries):
    return await asyncio.gather(
        *(pool.fetchval(query) for query in queries), return_exceptions=True
    )


answer = run_all
