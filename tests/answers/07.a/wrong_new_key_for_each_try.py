"""Wrong: makes a new key when it tries again. Says: 3 bookings | each order once."""

import asyncpg


async def store(pool, key, item):
    for attempt in range(3):
        name = key if attempt == 0 else f"{key}-{attempt}"
        try:
            await pool.execute(
                "INSERT INTO bookings VALUES ($1, $2) ON CONFLICT DO NOTHING", name, item
            )
            return
        except (OSError, asyncpg.PostgresConnectionError):
            if attempt == 2:
                raise


answer = store
