"""Wrong: the connection is not given back. Says: released."""

import asyncio
import time


async def health_check(pool, timeout=1.0):
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            conn = await pool.acquire()
            await conn.fetchval("SELECT 1")
        return {"status": "healthy", "response_seconds": time.perf_counter() - began}
    except Exception as error:
        return {"status": "unhealthy", "error": repr(error)}


answer = health_check
