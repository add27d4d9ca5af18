"""Wrong: a server that is down is not tried again. Says: server is down, the number of tries."""

import asyncio

import asyncpg

INSERT = "INSERT INTO bookings (key, item) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING"


async def store(pool, key, item):
    for attempt in range(3):
        try:
            return await pool.execute(INSERT, key, item)
        except asyncpg.ConnectionDoesNotExistError:
            if attempt == 2:
                raise
            await asyncio.sleep(0.1)


answer = store
