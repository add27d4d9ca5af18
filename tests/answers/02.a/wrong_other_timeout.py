"""Wrong: another timeout. Says: after the burst."""

from labsupport.pooling import DatabasePool


async def open_pool(**where):
    pool = DatabasePool()
    await pool.initialize(**where, min_size=2, max_size=6, command_timeout=0.5)
    return pool


answer = open_pool
