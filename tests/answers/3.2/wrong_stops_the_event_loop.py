"""Wrong: pauses with `time.sleep`. Says: event loop | time.sleep."""

import asyncio
import time
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
    pause = 0.1
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
        time.sleep(min(pause, give_up_at - now))
        pause = min(pause * 2, 0.5)


answer = fetch_with_retry
