"""Wrong: the tutorial's loop. Says: argument | at once | reached | pause | refused."""

import asyncio

import asyncpg


async def fetch_with_retry(pool, query, *args, patience=5.0):
    last_error = None
    max_retries = 3
    for attempt in range(max_retries):
        try:
            async with pool.acquire() as conn:
                return await conn.fetch(query, *args)
        except (
            asyncpg.exceptions.ConnectionDoesNotExistError,
            asyncpg.exceptions.InterfaceError,
        ) as e:
            last_error = e
            if attempt < max_retries - 1:
                wait_time = 2**attempt
                await asyncio.sleep(wait_time)
                continue
        except Exception as e:
            raise e
    raise last_error


answer = fetch_with_retry
