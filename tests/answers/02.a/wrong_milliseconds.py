"""Wrong: 500 seconds. Says: in which unit."""

from labsupport.pooling import DatabasePool


async def open_pool(**where):
    pool = DatabasePool()
    await pool.initialize(**where, min_size=2, max_size=6, max_inactive_connection_lifetime=500)
    return pool


answer = open_pool
