"""Wrong: one word for every error. Says: returned 'unreachable'."""


async def diagnose(pool, timeout):
    try:
        async with pool.acquire(timeout=timeout) as conn:
            answer = await conn.fetchval("SHOW transaction_read_only")
    except Exception:
        return "unreachable"
    return "read only" if answer == "on" else "ok"


answer = diagnose
