"""Right: a connection that dies while it is cleaned is closed without an error."""

import asyncpg


async def open_pool(events, **where):
    async def count(conn):
        events.append("connect")

    async def clean(conn):
        try:
            await conn.execute("RESET SESSION AUTHORIZATION")
            await conn.execute("RESET ROLE")
            await conn.reset()
            await conn.execute("DISCARD TEMP")
            await conn.execute("DISCARD SEQUENCES")
        except Exception:  # It is dead, or nobody knows what is left in it.
            conn.terminate()
        else:
            events.append("release")

    return await asyncpg.create_pool(
        **where,
        init=count,
        reset=clean,
        min_size=1,
        max_size=2,
        server_settings={"TimeZone": "UTC", "work_mem": "8192"},
    )


answer = open_pool
