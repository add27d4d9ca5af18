"""Wrong: gives up waiting and ends nothing. Says: sessions were still open | still open."""

import asyncio


async def close_in_time(pool, seconds):
    closing = asyncio.create_task(pool.close())
    done, _ = await asyncio.wait({closing}, timeout=seconds)
    return closing in done


answer = close_in_time
