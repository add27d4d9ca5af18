"""Exercise 01.a: one pool for all requests."""

import asyncio

import asyncpg

__all__ = ["answer_all"]


async def answer_all(requests, size, **where):
    """Return the first value of each request, over at most `size` connections."""
    # Leaving the block closes the pool, also when a request has failed.
    async with asyncpg.create_pool(**where, min_size=size, max_size=size) as pool:
        return await asyncio.gather(*(pool.fetchval(request) for request in requests))
