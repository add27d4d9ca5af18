"""Right: with a look each interval, also while an earlier one still waits for its answer."""

import asyncio
import contextlib
import time


class Monitor:
    def __init__(self, pool, interval=0.1, timeout=0.5, keep=100):
        self.rows = []
        self.pool = pool
        self.interval = interval
        self.timeout = timeout
        self.keep = keep
        self.clock = None
        self.looks = set()
        self.mine = 0  # connections that looks hold
        self.none_is_mine = asyncio.Event()
        self.none_is_mine.set()

    async def start(self):
        if self.clock is None:
            self.clock = asyncio.create_task(self.tick())

    async def stop(self):
        clock, self.clock = self.clock, None
        if clock is not None:
            clock.cancel()
            await asyncio.gather(clock, return_exceptions=True)
            await asyncio.gather(*self.looks)

    async def tick(self):
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            while self.mine:
                await self.none_is_mine.wait()
            look = asyncio.create_task(self.look())
            self.looks.add(look)
            look.add_done_callback(self.looks.discard)
            due = max(due + self.interval, loop.time())
            await asyncio.sleep(due - loop.time())

    async def look(self):
        size = self.pool.get_size()
        used = size - self.pool.get_idle_size()
        row = {"size": size, "used": used, "utilization": used / self.pool.get_max_size()}
        row["seconds"] = await self.ask()
        self.rows.append(row)
        del self.rows[: max(0, len(self.rows) - self.keep)]

    async def ask(self):
        began = time.monotonic()
        try:
            conn = await self.pool.acquire(timeout=self.timeout)
        except Exception:
            return None
        self.mine += 1
        self.none_is_mine.clear()
        try:
            async with asyncio.timeout(self.timeout - (time.monotonic() - began)):
                await conn.fetchval("SELECT 1")
            return time.monotonic() - began
        except Exception:
            return None
        finally:
            with contextlib.suppress(Exception):
                await self.pool.release(conn, timeout=self.timeout)
            self.mine -= 1
            if not self.mine:
                self.none_is_mine.set()


answer = Monitor
