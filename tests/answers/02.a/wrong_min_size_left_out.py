"""Wrong: ten at the start, more than six. Says: min_size."""

from labsupport.pooling import DatabasePool


async def open_pool(**where):
    pool = DatabasePool()
    await pool.initialize(**where, max_size=6, max_inactive_connection_lifetime=0.5)
    return pool


answer = open_pool
