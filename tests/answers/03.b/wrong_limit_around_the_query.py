"""Wrong: limits the work, too. Says: the wait for a connection or the work."""

import asyncio


async def ask(pool, query, patience):
    try:
        async with asyncio.timeout(patience):
            async with pool.acquire() as conn:
                return await conn.fetchval(query)
    except TimeoutError:
        stats = pool.get_pool_stats()
        return f"Busy: {stats['acquired_count']} of {stats['size']} connections are in use."


answer = ask
