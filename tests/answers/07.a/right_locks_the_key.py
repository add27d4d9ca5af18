"""Right: locks the key, looks whether it is there, and inserts, in one transaction."""

import asyncpg


async def once(pool, key, item):
    async with pool.acquire(timeout=2) as conn, conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext($1))", key)
        there = await conn.fetchval("SELECT count(*) FROM bookings WHERE key = $1", key)
        if not there:
            await conn.execute("INSERT INTO bookings (key, item) VALUES ($1, $2)", key, item)


async def store(pool, key, item):
    lost = None
    for _ in range(3):
        try:
            return await once(pool, key, item)
        except (OSError, asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError) as error:
            lost = error
    raise lost


answer = store
