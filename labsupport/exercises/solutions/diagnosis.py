"""Exercise 05.a: ask for what users need, with a limit, and tell the troubles apart."""

import asyncpg

__all__ = ["diagnose"]


async def diagnose(pool, timeout):
    """Return "ok", or why no row can be stored now."""
    try:
        async with pool.acquire(timeout=timeout) as conn:
            answer = await conn.fetchval("SHOW transaction_read_only", timeout=timeout)
    except TimeoutError:
        # This comes first, because a TimeoutError is an OSError too.
        return "exhausted"
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return "unreachable"
    return "read only" if answer == "on" else "ok"
