"""Wrong: all six from the start. Says: after open_pool."""

from labsupport.pooling import DatabasePool


async def open_pool(**where):
    pool = DatabasePool()
    await pool.initialize(**where, min_size=6, max_size=6, max_inactive_connection_lifetime=0.5)
    return pool


answer = open_pool
