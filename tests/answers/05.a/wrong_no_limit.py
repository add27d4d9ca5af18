"""Wrong: waits in line like everybody else. Says: had not ended."""


async def diagnose(pool, timeout):
    try:
        async with pool.acquire() as conn:
            answer = await conn.fetchval("SHOW transaction_read_only", timeout=timeout)
    except TimeoutError:
        return "exhausted"
    except OSError:
        return "unreachable"
    return "read only" if answer == "on" else "ok"


answer = diagnose
