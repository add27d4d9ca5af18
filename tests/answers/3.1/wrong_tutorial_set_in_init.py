"""Wrong: the tutorial's `SET` in `init`, lost at a release. Says: time zone | UTC | work_mem."""

import asyncpg


async def open_pool(events, **where):
    async def on_connect(conn):
        events.append("connect")
        await conn.execute("SET timezone = 'UTC'")
        await conn.execute("SET work_mem = '8MB'")

    async def on_release(conn):
        await conn.execute(
            "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE;"
            + conn.get_reset_query()
            + "DISCARD TEMP; DISCARD SEQUENCES;"
        )
        events.append("release")

    return await asyncpg.create_pool(
        min_size=1,
        max_size=2,
        init=on_connect,
        reset=on_release,
        **where,
    )


answer = open_pool
