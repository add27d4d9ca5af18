"""Wrong: SELECT 1 is answered by a standby, too. Says: refuses to store."""


async def diagnose(pool, timeout):
    try:
        async with pool.acquire(timeout=timeout) as conn:
            await conn.fetchval("SELECT 1")
    except TimeoutError:
        return "exhausted"
    except OSError:
        return "unreachable"
    return "ok"


answer = diagnose
