"""Right: as many workers as the pool may have connections, fed from a common iterator."""

import asyncio


class Runner:
    def __init__(self, pool, queries):
        self.pool = pool
        self.work = enumerate(queries)
        self.results = [None] * len(queries)

    async def one(self, query):
        conn = await self.pool.acquire()
        try:
            row = await conn.fetchrow(query)
        finally:
            await self.pool.release(conn)
        return row[0] if row else None

    async def worker(self):
        for place, query in self.work:
            try:
                self.results[place] = await self.one(query)
            except Exception as error:
                self.results[place] = error

    async def run(self):
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.pool.get_max_size(), len(self.results))):
                group.create_task(self.worker())
        return self.results


async def run_all(pool, queries):
    return await Runner(pool, queries).run()


answer = run_all
