"""Wrong: each start begins one more task; stop ends them all. Says: second start."""

import asyncio
import time


class Monitor:
    def __init__(self, pool, interval=0.1, timeout=0.5, keep=100):
        self.pool = pool
        self.interval = interval
        self.timeout = timeout
        self.keep = keep
        self.rows = []
        self.tasks = []

    async def start(self):
        self.tasks.append(asyncio.create_task(self.watch()))

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def watch(self):
        while True:
            size = self.pool.get_size()
            used = size - self.pool.get_idle_size()
            row = {"size": size, "used": used, "utilization": used / self.pool.get_max_size()}
            started = time.monotonic()
            try:
                async with asyncio.timeout(self.timeout):
                    await self.pool.fetchval("SELECT 1")
                row["seconds"] = time.monotonic() - started
            except Exception:
                row["seconds"] = None
            self.rows.append(row)
            del self.rows[: -self.keep]
            await asyncio.sleep(self.interval)


answer = Monitor
