"""Wrong: str(error) of a TimeoutError is an empty text. Says: error was ''."""

import asyncio
import time


async def health_check(pool, timeout=1.0):
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            await pool.fetchval("SELECT 1")
        return {"status": "healthy", "response_seconds": time.perf_counter() - began}
    except Exception as error:
        return {"status": "unhealthy", "error": str(error)}


answer = health_check
