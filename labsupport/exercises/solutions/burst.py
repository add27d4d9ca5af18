"""Exercise 02.a: a pool that grows for a burst and shrinks after it."""

from labsupport.pooling import DatabasePool

__all__ = ["open_pool"]


async def open_pool(**where):
    """Return an open pool of 2 to 6 connections."""
    pool = DatabasePool()
    await pool.initialize(**where, min_size=2, max_size=6, max_inactive_connection_lifetime=0.5)
    return pool
