"""Right: only the entering of the block is caught."""

from contextlib import AsyncExitStack


async def ask(pool, query, patience):
    async with AsyncExitStack() as stack:
        try:
            conn = await stack.enter_async_context(pool.acquire(timeout=patience))
        except TimeoutError:
            stats = pool.get_pool_stats()
            return f"Busy: {stats['acquired_count']} of {stats['size']} connections are in use."
        return await conn.fetchval(query)


answer = ask
