"""Wrong: a standby is not the only server that refuses to store. Says: refuses to store."""


async def diagnose(pool, timeout):
    try:
        async with pool.acquire(timeout=timeout) as conn:
            standby = await conn.fetchval("SELECT pg_is_in_recovery()")
    except TimeoutError:
        return "exhausted"
    except OSError:
        return "unreachable"
    return "read only" if standby else "ok"


answer = diagnose
