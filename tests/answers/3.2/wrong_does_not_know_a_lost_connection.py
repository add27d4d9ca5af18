"""Wrong: tries again only when it cannot connect. Says: lost | ConnectionDoesNotExist | middle."""

import asyncio
from contextlib import suppress

import asyncpg

# The server cannot be reached, is starting or is stopping.
UNREACHABLE = (
    OSError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)


async def fetch_with_retry(pool, query, *args, patience=5.0):
    loop = asyncio.get_running_loop()
    give_up_at = None
    pause = 0.1
    while True:
        try:
            conn = await pool.acquire()
        except UNREACHABLE as error:
            last = error
        else:
            try:
                return await conn.fetch(query, *args)
            finally:
                with suppress(Exception):  # If it fails, asyncpg has closed it.
                    await pool.release(conn)
        now = loop.time()
        if give_up_at is None:
            give_up_at = now + patience
        if now >= give_up_at:
            raise last
        await asyncio.sleep(min(pause, give_up_at - now))
        pause = min(pause * 2, 0.5)


answer = fetch_with_retry
