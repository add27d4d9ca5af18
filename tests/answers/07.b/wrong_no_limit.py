"""Wrong: close without a limit. Says: had not ended."""


async def close_in_time(pool, seconds):
    await pool.close()
    return True


answer = close_in_time
