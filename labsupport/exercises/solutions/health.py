"""Exercise 1.3: a health check that answers in time."""

import asyncio
import time

import asyncpg

__all__ = ["health_check"]


async def health_check(pool, timeout=1.0):
    """Say whether a query is answered within `timeout` seconds."""
    started = time.monotonic()
    try:
        # One limit for both waits: for a connection and for the answer.
        async with asyncio.timeout(timeout):
            async with pool.acquire() as conn:
                await conn.fetchval("SELECT 1")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # TimeoutError is an OSError; its text is empty, its name is not.
        return {"status": "unhealthy", "error": f"{type(error).__name__}: {error}"}
    return {"status": "healthy", "response_seconds": time.monotonic() - started}
