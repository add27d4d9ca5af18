"""Wrong: returns what there is when the time is over. Says: returned []."""

import asyncio
import contextlib


async def report(pool, queries, seconds):
    values = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), pool.acquire() as conn:
            for query in queries:
                values.append(await conn.fetchval(query))
    return values


answer = report
