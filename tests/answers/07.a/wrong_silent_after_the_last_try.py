"""Wrong: ends well when no try succeeded. Says: connection breaks raised nothing."""

import asyncio

from labsupport.pooling import is_transient

INSERT = "INSERT INTO bookings VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def store(pool, key, item):
    for _ in range(3):
        try:
            return await pool.execute(INSERT, key, item)
        except Exception as error:
            if not is_transient(error):
                raise
            await asyncio.sleep(0.1)


answer = store
