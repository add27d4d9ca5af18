"""Wrong: knows OSError only, no error of the server. Says: the server answers, and says no."""

from labsupport.pooling import PoolTimeout


async def diagnose(pool, timeout):
    try:
        async with pool.acquire(timeout=timeout) as conn:
            value = await conn.fetchval("SHOW transaction_read_only", timeout=timeout)
        return "read only" if value == "on" else "ok"
    except PoolTimeout:
        s = pool.get_pool_stats()
        return "exhausted" if s["acquired_count"] >= s["max_size"] else "unreachable"
    except OSError:
        return "unreachable"


answer = diagnose
