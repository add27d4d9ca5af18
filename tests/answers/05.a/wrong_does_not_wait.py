"""Wrong: all lent out now is exhausted at once. Says: of which one comes back."""

import asyncpg


async def diagnose(pool, timeout):
    s = pool.get_pool_stats()
    if s["acquired_count"] >= s["max_size"]:
        return "exhausted"
    try:
        async with pool.acquire(timeout=timeout) as conn:
            value = await conn.fetchval("SHOW transaction_read_only", timeout=timeout)
        return "read only" if value == "on" else "ok"
    except (OSError, asyncpg.PostgresError):
        return "unreachable"


answer = diagnose
