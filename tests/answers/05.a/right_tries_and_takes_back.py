"""Right: tries to store something, and takes it back."""

import asyncpg


async def diagnose(pool, timeout):
    try:
        async with pool.acquire(timeout=timeout) as conn:
            attempt = conn.transaction()
            await attempt.start()
            try:
                await conn.execute("CREATE TABLE can_anything_be_stored (x int)")
            finally:
                await attempt.rollback()
        return "ok"
    except asyncpg.ReadOnlySQLTransactionError:
        return "read only"
    except TimeoutError:
        return "exhausted"
    except (OSError, asyncpg.PostgresError):
        return "unreachable"


answer = diagnose
