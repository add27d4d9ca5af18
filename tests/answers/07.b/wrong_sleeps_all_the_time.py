"""Wrong: sleeps the whole time, also when nothing is lent out. Says: nobody uses had not ended."""

import asyncio


async def close_in_time(pool, seconds):
    await asyncio.sleep(seconds)
    lent = pool.get_size() - pool.get_idle_size()
    pool.terminate()
    return lent == 0


answer = close_in_time
