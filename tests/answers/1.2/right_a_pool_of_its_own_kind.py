"""Right: is itself a pool of asyncpg's, which is awaitable, and opens in initialize."""

import asyncio

import asyncpg


class BorrowingPool(asyncpg.Pool):
    def __init__(self):
        pass  # Everything is made by initialize, when the limits are known.

    async def initialize(self, max_size, **where):
        super().__init__(
            min_size=1,
            max_size=max_size,
            max_queries=1000,
            max_inactive_connection_lifetime=60,
            loop=asyncio.get_running_loop(),
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            **where,
        )
        await self


answer = BorrowingPool
