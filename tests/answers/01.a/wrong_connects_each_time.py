"""Wrong: a connection for each request. Says: server processes answered."""

import asyncpg


async def one(request, where):
    conn = await asyncpg.connect(**where)
    try:
        return await conn.fetchval(request)
    finally:
        await conn.close()


async def answer_all(requests, size, **where):
    return [await one(request, where) for request in requests]


answer = answer_all
