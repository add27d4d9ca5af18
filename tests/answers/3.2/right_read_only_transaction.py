"""Right: recursive; each attempt reads in a transaction that may only read."""

import asyncio
import time

from labsupport.pooling import is_transient


async def read(pool, query, args):
    async with pool.acquire() as conn, conn.transaction(readonly=True):
        return await conn.fetch(query, *args)


async def attempt(pool, query, args, pause, end):
    try:
        return await read(pool, query, args)
    except Exception as error:
        if not is_transient(error) or time.monotonic() >= end:
            raise
    await pool.expire_connections()
    await asyncio.sleep(pause)
    return await attempt(pool, query, args, min(pause * 1.5, 0.6), end)


async def fetch_with_retry(pool, query, *args, patience=5.0):
    return await attempt(pool, query, args, 0.06, time.monotonic() + patience)


answer = fetch_with_retry
