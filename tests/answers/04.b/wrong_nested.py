"""Wrong: borrows again within its block. Says: NestedAcquire."""


async def details(db, list_query, detail_query):
    async with db.connection() as conn:
        rows = await conn.fetch(list_query)
        return {row[0]: await db.execute_single(detail_query, row[0]) for row in rows}


answer = details
