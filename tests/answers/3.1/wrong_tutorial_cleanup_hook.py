"""Wrong: the tutorial's hook `cleanup`, which asyncpg has not. Says: cleanup."""

import asyncpg


async def open_pool(events, **where):
    async def on_connect(conn):
        events.append("connect")

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
        server_settings={"timezone": "UTC", "work_mem": "8MB"},
        init=on_connect,
        cleanup=on_release,
        **where,
    )


answer = open_pool
