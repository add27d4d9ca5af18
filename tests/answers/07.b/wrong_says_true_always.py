"""Wrong: says True for a forgotten connection, too. Says: forgotten connection."""

import asyncio


async def close_in_time(pool, seconds):
    try:
        await asyncio.wait_for(pool.close(), seconds)
    except TimeoutError:
        pool.terminate()
    return True


answer = close_in_time
