"""Wrong: a TimeoutError is an OSError. Says: returned 'unreachable'."""


async def diagnose(pool, timeout):
    try:
        async with pool.acquire(timeout=timeout) as conn:
            answer = await conn.fetchval("SHOW transaction_read_only")
    except OSError:
        return "unreachable"
    except TimeoutError:
        return "exhausted"
    return "read only" if answer == "on" else "ok"


answer = diagnose
