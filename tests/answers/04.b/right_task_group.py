"""Right: a task for each key, begun after the block."""

import asyncio


async def details(db, list_query, detail_query):
    async with db.connection() as conn:
        keys = [row[0] for row in await conn.fetch(list_query)]
    async with asyncio.TaskGroup() as group:
        tasks = {key: group.create_task(db.execute_single(detail_query, key)) for key in keys}
    return {key: task.result() for key, task in tasks.items()}


answer = details
