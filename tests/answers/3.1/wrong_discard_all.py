"""Wrong: discards asyncpg's own prepared statements. Says: argument | prepared statement."""

import asyncpg


async def open_pool(events, **where):
    async def on_connect(conn):
        events.append("connect")

    async def on_release(conn):
        await conn.execute("DISCARD ALL")
        events.append("release")

    return await asyncpg.create_pool(
        min_size=1,
        max_size=2,
        server_settings={"timezone": "UTC", "work_mem": "8MB"},
        init=on_connect,
        reset=on_release,
        **where,
    )


answer = open_pool
