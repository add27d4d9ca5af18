"""Wrong: keys whose value is 0 or None are missing. Says: which keys are kept."""

import asyncio


async def details(db, list_query, detail_query):
    keys = [r[0] for r in await db.execute_query(list_query)]
    values = await asyncio.gather(*(db.execute_single(detail_query, k) for k in keys))
    return {k: v for k, v in zip(keys, values, strict=True) if v}


answer = details
