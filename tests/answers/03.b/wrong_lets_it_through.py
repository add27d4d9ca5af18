"""Wrong: the caller gets the exception. Says: raised PoolTimeout."""


async def ask(pool, query, patience):
    async with pool.acquire(timeout=patience) as conn:
        return await conn.fetchval(query)


answer = ask
