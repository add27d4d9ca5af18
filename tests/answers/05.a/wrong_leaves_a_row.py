"""Wrong: makes a table and stores a row that stays. Says: a new table in the database."""

import asyncpg

from labsupport.pooling import PoolTimeout


async def diagnose(pool, timeout):
    try:
        async with pool.acquire(timeout=timeout) as conn:
            await conn.execute("CREATE TABLE IF NOT EXISTS probe (x int)")
            await conn.execute("INSERT INTO probe VALUES (1)")
        return "ok"
    except PoolTimeout:
        s = pool.get_pool_stats()
        return "exhausted" if s["acquired_count"] >= s["max_size"] else "unreachable"
    except asyncpg.ReadOnlySQLTransactionError:
        return "read only"
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return "unreachable"


answer = diagnose
