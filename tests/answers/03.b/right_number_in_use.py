"""Right: says only how many are in use, and a flag tells whose TimeoutError it is."""


async def ask(pool, query, patience):
    had = False
    try:
        async with pool.acquire(timeout=patience) as conn:
            had = True
            return await conn.fetchval(query)
    except TimeoutError:
        if had:
            raise
        return "Busy: " + str(pool.get_pool_stats()["acquired_count"]) + " in use"


answer = ask
