"""Wrong: gather without return_exceptions. Says: query's exception."""

import asyncio


async def run_all(pool, queries):
    return await asyncio.gather(*(pool.fetchval(query) for query in queries))


answer = run_all
