"""Right: a class of its own for the loan, with __aenter__ and __aexit__."""

import asyncio

import asyncpg


class Loan:
    def __init__(self, pool, timeout):
        self.pool = pool
        self.timeout = timeout

    async def __aenter__(self):
        async with asyncio.timeout(self.timeout):
            self.conn = await self.pool.acquire()
        return self.conn

    async def __aexit__(self, kind, error, traceback):
        await self.pool.release(self.conn)
        return False


class BorrowingPool:
    async def initialize(self, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=max_size, max_size=max_size, **where)

    def acquire(self, timeout):
        return Loan(self.pool, timeout)

    async def close(self):
        await self.pool.close()


answer = BorrowingPool
