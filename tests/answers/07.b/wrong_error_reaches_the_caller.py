"""Wrong: the TimeoutError is not caught. Says: TimeoutError."""

import asyncio


async def close_in_time(pool, seconds):
    await asyncio.wait_for(pool.close(), seconds)
    return True


answer = close_in_time
