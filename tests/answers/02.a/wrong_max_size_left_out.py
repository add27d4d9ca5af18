"""Wrong: may grow to 50. Says: not beyond."""

from labsupport.pooling import DatabasePool


async def open_pool(**where):
    pool = DatabasePool()
    await pool.initialize(**where, min_size=2, max_inactive_connection_lifetime=0.5)
    return pool


answer = open_pool
