"""Wrong: keeps what the burst opened. Says: after the burst."""

from labsupport.pooling import DatabasePool


async def open_pool(**where):
    pool = DatabasePool()
    await pool.initialize(**where, min_size=2, max_size=6)
    return pool


answer = open_pool
