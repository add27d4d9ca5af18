"""Wrong: all at once on one connection. Says: another operation."""

import asyncio


async def details(db, list_query, detail_query):
    async with db.connection() as conn:
        keys = [row[0] for row in await conn.fetch(list_query)]
        values = await asyncio.gather(*(conn.fetchval(detail_query, key) for key in keys))
    return dict(zip(keys, values, strict=True))


answer = details
