"""Wrong: tries again when it is cancelled in the query, not in the pause. Says: cancel."""

import asyncio
import time

import asyncpg

UNREACHABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)


def worth_it(error):
    if isinstance(error, asyncpg.InterfaceError):
        return "connection" in str(error) and "closed" in str(error)
    return isinstance(error, (*UNREACHABLE, asyncio.CancelledError))


async def fetch_with_retry(pool, query, *args, patience=5.0):
    end = time.monotonic() + patience
    pause = 0.1
    while True:
        try:
            return await pool.fetch(query, *args)
        except BaseException as error:
            if not worth_it(error) or time.monotonic() + pause > end:
                raise
        await asyncio.sleep(pause)
        pause = min(pause * 2, 1)


answer = fetch_with_retry
