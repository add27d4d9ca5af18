"""Wrong: the text 'off' counts as true. Says: returned 'read only'."""


async def diagnose(pool, timeout):
    try:
        async with pool.acquire(timeout=timeout) as conn:
            if await conn.fetchval("SHOW transaction_read_only"):
                return "read only"
    except TimeoutError:
        return "exhausted"
    except OSError:
        return "unreachable"
    return "ok"


answer = diagnose
