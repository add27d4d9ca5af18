"""Exercise 04.b: give the first connection back before waiting for others."""

import asyncio

__all__ = ["details"]


async def details(db, list_query, detail_query):
    """Return for each key of `list_query` what `detail_query` says about it."""
    # execute_query has given its connection back when it returns.
    keys = [row[0] for row in await db.execute_query(list_query)]
    values = await asyncio.gather(*(db.execute_single(detail_query, key) for key in keys))
    return dict(zip(keys, values, strict=True))
