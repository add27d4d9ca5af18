"""Right: asyncio.timeout around close, which ends all itself when it is cancelled."""

import asyncio


async def close_in_time(pool, seconds):
    try:
        async with asyncio.timeout(seconds):
            await pool.close()
    except TimeoutError:
        return False
    return True


answer = close_in_time
