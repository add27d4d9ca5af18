"""Exercise 3.1: prepare a connection once, clean it each time it comes back."""

import asyncpg

__all__ = ["open_pool"]


async def open_pool(events, **where):
    """Open a pool of 1 to 2 connections that notes in `events` what happens to them."""

    async def on_connect(conn):
        events.append("connect")

    async def on_release(conn):
        events.append("release")
        # What asyncpg does by itself (RESET ALL, among others), and what it leaves.
        # DISCARD ALL would also throw away the prepared statements that asyncpg keeps.
        await conn.execute(conn.get_reset_query())
        await conn.execute("DISCARD TEMP")

    return await asyncpg.create_pool(
        min_size=1,
        max_size=2,
        init=on_connect,
        reset=on_release,
        # Settings sent with the connection are what RESET ALL goes back to.
        server_settings={"timezone": "UTC", "work_mem": "8MB"},
        **where,
    )
