"""Wrong: forgets to give it back. Says: not released | exhausted."""


async def diagnose(pool, timeout):
    try:
        conn = await pool.acquire(timeout=timeout)
    except TimeoutError:
        return "exhausted"
    except OSError:
        return "unreachable"
    if await conn.fetchval("SHOW transaction_read_only") == "on":
        return "read only"
    await pool.release(conn)
    return "ok"


answer = diagnose
