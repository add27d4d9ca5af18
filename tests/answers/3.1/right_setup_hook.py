"""Right: with `setup`, which sets everything for each borrower."""

import asyncpg


class Hooks:
    def __init__(self, events):
        self.events = events

    async def new(self, conn):
        self.events.append("connect")

    async def lent(self, conn):
        await conn.execute("SET timezone = 'UTC'; SET work_mem = '8MB'")

    async def back(self, conn):
        await conn.reset()
        await conn.execute("RESET SESSION AUTHORIZATION; RESET ROLE; DISCARD TEMP")
        self.events.append("release")


async def pool_with_hooks(events, **where):
    hooks = Hooks(events)
    return await asyncpg.create_pool(
        **where, min_size=1, max_size=2, init=hooks.new, setup=hooks.lent, reset=hooks.back
    )


answer = pool_with_hooks
