"""Wrong: a query that the server cancels becomes a TimeoutError. Says: QueryCanceledError, as."""

import asyncio

import asyncpg


async def report(pool, queries, seconds):
    try:
        async with asyncio.timeout(seconds), pool.acquire() as conn:
            return [await conn.fetchval(query) for query in queries]
    except asyncpg.QueryCanceledError as error:
        raise TimeoutError("the request took too long") from error


answer = report
