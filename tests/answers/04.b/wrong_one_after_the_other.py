"""Wrong: one query at a time. Says: before the next one is begun."""


async def details(db, list_query, detail_query):
    async with db.connection() as conn:
        rows = await conn.fetch(list_query)
        return {row[0]: await conn.fetchval(detail_query, row[0]) for row in rows}


answer = details
