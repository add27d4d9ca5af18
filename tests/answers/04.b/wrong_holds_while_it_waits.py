"""Wrong: keeps its connection until all are done. Says: held while others."""

import asyncio


async def details(db, list_query, detail_query):
    async with db.connection() as conn:
        keys = [row[0] for row in await conn.fetch(list_query)]
        values = await asyncio.gather(*(db.execute_single(detail_query, key) for key in keys))
    return dict(zip(keys, values, strict=True))


answer = details
