"""Right: with an object for each loan, and a limit that knows whether it has expired."""

import asyncio
from time import perf_counter

import asyncpg


class Loan:
    """One call of `acquire`."""

    def __init__(self, owner, limit):
        self.owner = owner
        self.limit = limit
        self.conn = None

    async def __aenter__(self):
        owner, asked_at = self.owner, perf_counter()
        timer = asyncio.timeout(self.limit)
        owner.in_line.add(self)
        try:
            async with timer:
                self.conn = await owner.pool.acquire()
        finally:
            owner.in_line.discard(self)
            owner.waited.append(perf_counter() - asked_at)
            owner.given_up += timer.expired()
        return self.conn

    async def __aexit__(self, *exc):
        await self.owner.pool.release(self.conn)


class Gauges:
    def __init__(self):
        self.pool = None
        self.in_line = set()
        self.waited = []
        self.given_up = 0

    async def initialize(self, min_size, max_size, **where):
        self.pool = await asyncpg.create_pool(min_size=min_size, max_size=max_size, **where)

    def acquire(self, timeout):
        return Loan(self, timeout)

    def metrics(self):
        pool = self.pool
        numbers = {"max": pool.get_max_size(), "open": pool.get_size()}
        numbers["idle"] = pool.get_idle_size()
        numbers["used"] = numbers["open"] - numbers["idle"]
        numbers["waiting"] = len(self.in_line)
        numbers["timeouts"] = self.given_up
        numbers["wait_seconds"] = sum(self.waited)
        return numbers

    async def close(self):
        try:
            await asyncio.wait_for(self.pool.close(), 10)
        except TimeoutError:
            self.pool.terminate()


answer = Gauges
