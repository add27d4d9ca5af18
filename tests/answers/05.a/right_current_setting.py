"""Right: PoolTimeout named, and the setting as our monitor asks for it."""

import asyncpg

from labsupport.pooling import PoolTimeout

ASK = "SELECT current_setting('transaction_read_only') = 'on'"


async def diagnose(pool, timeout):
    try:
        conn = await pool.acquire(timeout=timeout)
    except PoolTimeout:
        return "exhausted"
    except (OSError, asyncpg.PostgresError):
        return "unreachable"
    try:
        return "read only" if await conn.fetchval(ASK) else "ok"
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return "unreachable"
    finally:
        await pool.release(conn)


answer = diagnose
