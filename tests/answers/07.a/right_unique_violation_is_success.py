"""Right: a key that is stored already is what was wanted; errors by name."""

import asyncio
import contextlib

import asyncpg

LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError)


async def store(pool, key, item):
    attempt = 1
    while True:
        try:
            async with pool.acquire(timeout=2) as conn:
                with contextlib.suppress(asyncpg.UniqueViolationError):
                    await conn.execute("INSERT INTO bookings VALUES ($1, $2)", key, item)
                return
        except LOST:
            if attempt == 3:
                raise
            attempt += 1
            await asyncio.sleep(0.05)


answer = store
