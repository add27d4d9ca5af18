"""Wrong: keeps its connection when it says read only. Says: were not released."""

import asyncpg

from labsupport.pooling import PoolTimeout


async def diagnose(pool, timeout):
    try:
        conn = await pool.acquire(timeout=timeout)
        value = await conn.fetchval("SHOW transaction_read_only", timeout=timeout)
        if value == "on":
            return "read only"
        await pool.release(conn)
        return "ok"
    except PoolTimeout:
        s = pool.get_pool_stats()
        return "exhausted" if s["acquired_count"] >= s["max_size"] else "unreachable"
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return "unreachable"


answer = diagnose
