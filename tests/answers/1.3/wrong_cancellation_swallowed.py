"""Wrong: a cancelled check returns "unhealthy" instead of ending. Says: cancel."""

import asyncio
import time


async def health_check(pool, timeout=1.0):
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            await pool.fetchval("SELECT 1")
        return {"status": "healthy", "response_seconds": time.perf_counter() - began}
    except BaseException as error:
        return {"status": "unhealthy", "error": repr(error)}


answer = health_check
