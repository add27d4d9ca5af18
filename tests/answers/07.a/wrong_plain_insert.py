"""Wrong: the same INSERT again, which now meets its own row. Says: UniqueViolationError."""

import asyncio

import asyncpg


async def store(pool, key, item):
    for attempt in range(3):
        try:
            return await pool.execute("INSERT INTO bookings VALUES ($1, $2)", key, item)
        except (OSError, asyncpg.PostgresConnectionError):
            if attempt == 2:
                raise
            await asyncio.sleep(0.1)


answer = store
