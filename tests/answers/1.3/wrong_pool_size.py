"""Wrong: reads pool._size, which does not exist. Says: because the database answers."""

import asyncio
import time


async def health_check(pool, timeout=1.0):
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            await pool.fetchval("SELECT 1")
        return {
            "status": "healthy",
            "response_seconds": time.perf_counter() - began,
            "pool_size": pool._size,
        }
    except Exception as e:
        return {"status": "unhealthy", "error": repr(e)}


answer = health_check
