"""Right: what is left of one deadline for each step."""

import asyncio


async def report(pool, queries, seconds):
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds

    def left():
        remaining = deadline - loop.time()
        if remaining <= 0:
            raise TimeoutError("the request took too long")
        return remaining

    conn = await pool.acquire(timeout=left())
    try:
        return [await conn.fetchval(query, timeout=left()) for query in queries]
    finally:
        await pool.release(conn)


answer = report
