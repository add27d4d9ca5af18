"""Right: a task asks the database, and asyncio.wait limits how long it is waited for."""

import asyncio
import time


async def ask(pool, timeout):
    async with pool.acquire(timeout=timeout) as conn:
        await conn.fetchval("SELECT 1", timeout=timeout)
        return time.monotonic()


def look_away(task):
    if not task.cancelled():
        task.exception()


async def is_well(pool, timeout=1.0):
    began = time.monotonic()
    asking = asyncio.ensure_future(ask(pool, timeout))
    asking.add_done_callback(look_away)
    try:
        await asyncio.wait({asking}, timeout=timeout)
        if not asking.done():
            return {"status": "unhealthy", "error": f"timeout after {timeout} s"}
        if asking.cancelled():
            return {"status": "unhealthy", "error": "the question was cancelled"}
        if (error := asking.exception()) is not None:
            return {"status": "unhealthy", "error": repr(error)}
        return {"status": "healthy", "response_seconds": asking.result() - began}
    finally:
        asking.cancel()


answer = is_well
