"""Right: goes by the errors' names and the words of asyncpg's `InterfaceError`."""

import asyncio
import random
import time

import asyncpg

TRY_AGAIN = (
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    asyncpg.ClientCannotConnectError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
)


def worth_another_try(error, connected):
    if isinstance(error, asyncpg.InterfaceError):
        return "connection is closed" in str(error)
    if isinstance(error, asyncpg.InternalClientError):  # The server's farewell is being read.
        return "another operation" in str(error)
    if not connected and isinstance(error, OSError):
        return True
    return isinstance(error, TRY_AGAIN)


async def answer(pool, query, *args, patience=5.0):
    deadline = None
    for number in range(1_000_000):
        connected = False
        try:
            async with pool.acquire() as conn:
                connected = True
                return await conn.fetch(query, *args)
        except Exception as error:
            if not worth_another_try(error, connected):
                raise
            if deadline is None:
                deadline = time.monotonic() + patience
            left = deadline - time.monotonic()
            if left <= 0:
                raise
        pause = min(0.4, 0.1 * 2 ** min(number, 5)) * random.uniform(0.8, 1.2)
        await asyncio.sleep(min(pause, left))
