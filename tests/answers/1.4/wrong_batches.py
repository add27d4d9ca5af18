"""Wrong: batches, each waiting for its slowest query. Says: batch."""

import asyncio


async def run_all(pool, queries):
    results = []
    size = pool.get_max_size()
    for start in range(0, len(queries), size):
        batch = queries[start : start + size]
        results += await asyncio.gather(
            *(pool.fetchval(query) for query in batch), return_exceptions=True
        )
    return results


answer = run_all
