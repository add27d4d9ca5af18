"""Wrong: does not count the wait for a connection. Says: response_seconds."""

import asyncio
import time


async def health_check(pool, timeout=1.0):
    try:
        async with asyncio.timeout(timeout), pool.acquire() as conn:
            began = time.perf_counter()
            await conn.fetchval("SELECT 1")
            took = time.perf_counter() - began
        return {"status": "healthy", "response_seconds": took}
    except Exception as error:
        return {"status": "unhealthy", "error": repr(error)}


answer = health_check
