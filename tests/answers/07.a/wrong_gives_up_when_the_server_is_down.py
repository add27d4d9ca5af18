"""Wrong: only a connection that is lost in the middle is tried again. Says: tries was 1."""

import asyncpg

INSERT = "INSERT INTO bookings VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def store(pool, key, item):
    for _ in range(2):
        async with pool.acquire() as conn:
            try:
                return await conn.execute(INSERT, key, item)
            except asyncpg.ConnectionDoesNotExistError:
                continue
    raise ConnectionError("the connection was lost twice")


answer = store
