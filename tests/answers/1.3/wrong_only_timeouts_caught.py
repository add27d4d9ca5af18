"""Wrong: when the server is gone, the exception comes out. Says: which exceptions."""

import asyncio
import time

import asyncpg


async def health_check(pool, timeout=1.0):
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            await pool.fetchval("SELECT 1")
        return {"status": "healthy", "response_seconds": time.perf_counter() - began}
    except (TimeoutError, asyncpg.InterfaceError):
        return {"status": "unhealthy", "error": "no connection could be had"}


answer = health_check
