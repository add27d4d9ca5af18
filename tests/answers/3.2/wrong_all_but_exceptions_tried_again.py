"""Wrong: asks is_transient about an Exception only, and catches more than that. Says: cancel."""

import asyncio
import time

from labsupport.pooling import is_transient


async def fetch_with_retry(pool, query, *args, patience=5.0):
    end = time.monotonic() + patience
    while True:
        try:
            return await pool.fetch(query, *args)
        except BaseException as error:
            for_good = isinstance(error, Exception) and not is_transient(error)
            if for_good or time.monotonic() > end:
                raise
        await asyncio.sleep(0.2)


answer = fetch_with_retry
