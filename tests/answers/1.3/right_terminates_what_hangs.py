"""Right: one limit around everything; a connection that did not answer is replaced."""

import asyncio
import time
from contextlib import suppress

import asyncpg


async def health_check(pool, timeout=1.0):
    began = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            conn = await pool.acquire()
            try:
                await conn.fetchval("SELECT 1")
                seconds = time.perf_counter() - began
            except BaseException:
                with suppress(asyncpg.InterfaceError):  # It was lost and is gone already.
                    conn.terminate()
                raise
            finally:
                await pool.release(conn)
    except TimeoutError:
        return {"status": "unhealthy", "error": f"no answer within {timeout} seconds"}
    except Exception as error:
        return {"status": "unhealthy", "error": f"{type(error).__name__}: {error}"}
    return {"status": "healthy", "response_seconds": seconds}


answer = health_check
