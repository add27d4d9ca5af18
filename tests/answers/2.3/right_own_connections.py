"""Right: a pool made by hand from three places and bare connections."""

import asyncio

import asyncpg


class ThreePlaces:
    def __init__(self):
        self._where = {}
        self._free = []
        self._all = set()
        self._returning = set()
        self._places = asyncio.Semaphore(3)

    async def _connect(self):
        conn = await asyncpg.connect(
            timeout=1,
            command_timeout=1.2,
            server_settings={"statement_timeout": "1000"},
            **self._where,
        )
        self._all.add(conn)
        conn.add_termination_listener(self._all.discard)
        return conn

    async def initialize(self, **where):
        self._where = where
        self._free.append(await self._connect())

    async def _borrow(self):
        async with asyncio.timeout(0.5):
            await self._places.acquire()
            try:
                while self._free:
                    conn = self._free.pop()
                    if not conn.is_closed():
                        return conn
                return await self._connect()
            except BaseException:
                self._places.release()
                raise

    async def _give_back(self, conn):
        try:
            await conn.reset(timeout=1)
            self._free.append(conn)
        except Exception:
            conn.terminate()
        finally:
            self._places.release()

    async def fetch(self, query):
        conn = await self._borrow()
        try:
            return await conn.fetch(query)
        finally:
            returning = asyncio.ensure_future(self._give_back(conn))
            self._returning.add(returning)
            returning.add_done_callback(self._returning.discard)
            await asyncio.shield(returning)

    async def close(self):
        for conn in list(self._all):
            try:
                await conn.close(timeout=1)
            except Exception:
                conn.terminate()


answer = ThreePlaces
