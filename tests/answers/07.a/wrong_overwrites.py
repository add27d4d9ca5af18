"""Wrong: ON CONFLICT DO UPDATE changes what is stored. Says: same key."""

import asyncpg

UPSERT = """
    INSERT INTO bookings VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET item = excluded.item
"""


async def store(pool, key, item):
    for attempt in range(3):
        try:
            return await pool.execute(UPSERT, key, item)
        except (OSError, asyncpg.PostgresConnectionError):
            if attempt == 2:
                raise


answer = store
