"""Right: bare asyncpg connections, a list of the free ones and a semaphore."""

import asyncio

import asyncpg


class DatabasePool:
    def __init__(self):
        self._where = None
        self._free = []
        self._max_size = 0
        self._places = None

    async def initialize(self, min_size, max_size, **where):
        free = []
        try:
            for _ in range(min_size):
                free.append(await asyncpg.connect(**where))
        except BaseException:
            for conn in free:
                conn.terminate()
            raise
        self._places = asyncio.Semaphore(max_size)
        self._free, self._max_size, self._where = free, max_size, where

    def _check_open(self):
        if self._where is None:
            raise RuntimeError("the pool is not open")

    async def fetchval(self, query, *args):
        self._check_open()
        async with self._places:
            self._check_open()  # It may have been closed while this call waited.
            conn = await self._take()
            try:
                return await conn.fetchval(query, *args)
            finally:
                self._free.append(conn)  # After a cancellation asyncpg cleans it at its next use.

    async def _take(self):
        while self._free:
            conn = self._free.pop()
            if not conn.is_closed():
                return conn
        return await asyncpg.connect(**self._where)

    async def close(self):
        if self._where is None:
            return
        self._where = None
        for _ in range(self._max_size):  # Until every call that runs is done.
            await self._places.acquire()
        free, self._free = self._free, []
        for conn in free:
            await conn.close()
        for _ in range(self._max_size):  # Whoever still waits learns that it is closed.
            self._places.release()


answer = DatabasePool
