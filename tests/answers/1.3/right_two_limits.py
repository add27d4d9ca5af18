"""Right: what acquire leaves of the time is the limit of the query; no nested functions."""

import time

import asyncpg


def unhealthy(error):
    return {"status": "unhealthy", "error": str(error) or type(error).__name__}


async def health_check(pool, timeout=1.0):
    start = time.monotonic()
    try:
        conn = await pool.acquire(timeout=timeout)
    except Exception as error:
        return unhealthy(error)

    result = None
    try:
        left = timeout - (time.monotonic() - start)
        await conn.fetchval("SELECT 1", timeout=max(left, 0.001))
        result = {"status": "healthy", "response_seconds": time.monotonic() - start}
    except Exception as error:
        result = unhealthy(error)
    finally:
        try:
            if result is None or result["status"] == "unhealthy":
                conn.terminate()
            await pool.release(conn, timeout=timeout)
        except (asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
            pass  # It is gone, and the pool makes a new one.
    return result


answer = health_check
