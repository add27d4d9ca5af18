"""Right: with `DISCARD ALL`, and therefore without asyncpg's cache of statements."""

import asyncpg

SETTINGS = {"timezone": "UTC", "work_mem": "8MB"}


async def answer(events, **where):
    async def init(_):
        events.append("connect")

    async def reset(conn):
        await conn.execute("DISCARD ALL")
        events.append("release")

    pool = asyncpg.create_pool(
        min_size=2,
        max_size=2,
        statement_cache_size=0,
        server_settings=SETTINGS,
        init=init,
        reset=reset,
        **where,
    )
    return await pool
