"""Wrong: forgets to return the pool. Says: anything is returned."""

from labsupport.pooling import DatabasePool


async def open_pool(**where):
    pool = DatabasePool()
    await pool.initialize(**where, min_size=2, max_size=6, max_inactive_connection_lifetime=0.5)


answer = open_pool
