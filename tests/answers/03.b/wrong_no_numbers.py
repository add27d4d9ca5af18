"""Wrong: a sentence without numbers. Says: a sentence that contains."""

from labsupport.pooling import PoolTimeout


async def ask(pool, query, patience):
    try:
        async with pool.acquire(timeout=patience) as conn:
            return await conn.fetchval(query)
    except PoolTimeout:
        return "The pool is busy, please come back later."


answer = ask
