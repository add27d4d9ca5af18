"""Wrong: rows in the place of values. Says: what is a row."""

import asyncio


async def details(db, list_query, detail_query):
    keys = [row[0] for row in await db.execute_query(list_query)]
    rows = await asyncio.gather(*(db.execute_query(detail_query, key) for key in keys))
    return dict(zip(keys, rows, strict=True))


answer = details
