"""Right: a class; later tries wait for a connection only as long as there is patience."""

import asyncio
import contextlib

import asyncpg


class Lost(Exception):
    """The connection is lost or could not be had; the cause says why."""


class Reader:
    def __init__(self, pool, query, args):
        self.pool = pool
        self.query = query
        self.args = args

    async def borrow(self, limit):
        try:
            return await self.pool.acquire(timeout=limit)
        except (
            OSError,
            asyncpg.ConnectionDoesNotExistError,
            asyncpg.CannotConnectNowError,
            asyncpg.AdminShutdownError,
            asyncpg.CrashShutdownError,
        ) as error:
            raise Lost from error

    async def give_back(self, conn):
        # The rows are here already. asyncpg closes what it cannot clean.
        with contextlib.suppress(Exception):
            await self.pool.release(conn, timeout=10)

    async def read(self, limit=None):
        conn = await self.borrow(limit)
        try:
            return await conn.fetch(self.query, *self.args)
        except Exception as error:
            alive = False
            with contextlib.suppress(asyncpg.InterfaceError):
                alive = not conn.is_closed()
            if alive:
                raise
            raise Lost from error
        finally:
            await self.give_back(conn)


async def fetch_with_retry(pool, query, *args, patience=5.0):
    reader = Reader(pool, query, args)
    loop = asyncio.get_running_loop()
    try:
        return await reader.read()
    except Lost as lost:
        last = lost.__cause__
    end = loop.time() + patience
    while (left := end - loop.time()) > 0:
        await asyncio.sleep(min(0.2, left))
        try:
            return await reader.read(limit=max(end - loop.time(), 0.2))
        except Lost as lost:
            if not isinstance(lost.__cause__, TimeoutError):
                last = lost.__cause__
    raise last


answer = fetch_with_retry
