"""Wrong: the values without their keys. Says: a dictionary."""

import asyncio


async def details(db, list_query, detail_query):
    keys = [row[0] for row in await db.execute_query(list_query)]
    return await asyncio.gather(*(db.execute_single(detail_query, key) for key in keys))


answer = details
