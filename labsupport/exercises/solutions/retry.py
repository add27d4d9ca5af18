"""Exercise 3.2: try again what may succeed."""

import asyncio
import random
import time

import asyncpg
from asyncpg import exceptions as pg

__all__ = ["fetch_with_retry"]

LOST = (
    OSError,  # refused, reset, timed out
    pg.PostgresConnectionError,  # closed in the middle of a query
    pg.CannotConnectNowError,  # starting or stopping
    pg.AdminShutdownError,
    pg.CrashShutdownError,
    pg.TooManyConnectionsError,
    asyncpg.InternalClientError,  # a connection that died a moment ago
)


async def fetch_with_retry(pool, query, *args, patience=5.0):
    """Return the rows of a query that only reads."""
    deadline = time.monotonic() + patience
    pause = 0.1
    while True:
        try:
            return await pool.fetch(query, *args)
        except LOST:
            if time.monotonic() + pause > deadline:
                raise
        # A part of the pause is random, so that many clients do not come back at once.
        await asyncio.sleep(pause * random.uniform(0.5, 1))
        pause = min(1.0, pause * 2)
