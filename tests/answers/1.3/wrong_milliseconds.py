"""Wrong: response_seconds holds milliseconds. Says: unit | milli."""

import asyncio
import time


async def health_check(pool, timeout=1.0):
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            await pool.fetchval("SELECT 1")
        return {"status": "healthy", "response_seconds": (time.perf_counter() - began) * 1000}
    except Exception as error:
        return {"status": "unhealthy", "error": repr(error)}


answer = health_check
