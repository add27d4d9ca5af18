"""Wrong: waits for a connection without limit. Says: not ended."""

import time


async def health_check(pool, timeout=1.0):
    began = time.perf_counter()
    try:
        async with pool.acquire() as conn:
            await conn.fetchval("SELECT 1", timeout=timeout)
        return {"status": "healthy", "response_seconds": time.perf_counter() - began}
    except Exception as error:
        return {"status": "unhealthy", "error": repr(error)}


answer = health_check
