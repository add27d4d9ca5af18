"""Right: an exit stack holds all of them."""

from contextlib import AsyncExitStack


async def on_every_connection(pool, query):
    async with AsyncExitStack() as stack:
        conns = [
            await stack.enter_async_context(pool.acquire(timeout=5))
            for _ in range(pool.get_pool_stats()["idle_count"])
        ]
        return [await conn.fetchval(query) for conn in conns]


answer = on_every_connection
