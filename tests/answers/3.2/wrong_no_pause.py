"""Wrong: tries again at once, without a pause. Says: pause."""

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
    loop = asyncio.get_running_loop()
    give_up_at = None
    while True:
        try:
            conn = await pool.acquire()
        except UNREACHABLE as error:
            last = error
        else:
            try:
                return await conn.fetch(query, *args)
            except Exception as error:
                if not is_lost(conn):
                    raise
                last = error
            finally:
                with suppress(Exception):  # If it fails, asyncpg has closed it.
                    await pool.release(conn)
        now = loop.time()
        if give_up_at is None:
            give_up_at = now + patience
        if now >= give_up_at:
            raise last


answer = fetch_with_retry
