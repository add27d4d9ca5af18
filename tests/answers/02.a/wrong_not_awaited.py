"""Wrong: a pool that was never opened. Says: whether the pool was opened."""

import asyncpg


async def open_pool(**where):
    return asyncpg.create_pool(
        **where, min_size=2, max_size=6, max_inactive_connection_lifetime=0.5
    )


answer = open_pool
