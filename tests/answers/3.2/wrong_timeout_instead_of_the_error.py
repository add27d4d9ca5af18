"""Wrong: ends with `TimeoutError` instead of the last error. Says: last error | TimeoutError."""

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


def is_lost(conn):
    try:
        return conn.is_closed()
    except asyncpg.InterfaceError:  # The pool has taken the dead connection back already.
        return True


async def fetch_with_retry(pool, query, *args, patience=5.0):
    pause = 0.1
    async with asyncio.timeout(patience):
        while True:
            try:
                conn = await pool.acquire()
            except UNREACHABLE:
                pass
            else:
                try:
                    return await conn.fetch(query, *args)
                except Exception:
                    if not is_lost(conn):
                        raise
                finally:
                    with suppress(Exception):  # If it fails, asyncpg has closed it.
                        await pool.release(conn)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)


answer = fetch_with_retry
