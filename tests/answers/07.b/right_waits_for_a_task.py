"""Right: a task with asyncio.wait, and terminate for what is left."""

import asyncio


async def shut(pool, seconds):
    closing = asyncio.create_task(pool.close())
    done, _ = await asyncio.wait({closing}, timeout=seconds)
    if not done:
        pool.terminate()
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)
    return bool(done)


answer = shut
