"""Wrong: each query has the limit for itself. Says: 14 queries | a wait of 0.6 s."""


async def report(pool, queries, seconds):
    async with pool.acquire(timeout=seconds) as conn:
        return [await conn.fetchval(query, timeout=seconds) for query in queries]


answer = report
