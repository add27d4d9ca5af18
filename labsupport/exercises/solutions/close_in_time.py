"""Exercise 07.b: a pool that is closed within a limit."""

import asyncio

__all__ = ["close_in_time"]


async def close_in_time(pool, seconds):
    """Close the pool; return whether all connections came back within the limit."""
    try:
        await asyncio.wait_for(pool.close(), seconds)
    except TimeoutError:
        pool.terminate()
        return False
    return True
