"""Wrong: does not say how it went. Says: returned None."""

import asyncio
import contextlib


async def close_in_time(pool, seconds):
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(pool.close(), seconds)


answer = close_in_time
