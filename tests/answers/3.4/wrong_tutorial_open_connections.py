"""Wrong: takes the open connections for the lent ones (tutorial). Says: lent | used | idle."""

import asyncio
import time
from contextlib import suppress


class PoolAlert:
    def __init__(
        self, pool, send, fires_above=0.8, clears_below=0.5, for_seconds=30.0, interval=1.0
    ):
        self.pool = pool
        self.send = send
        self.fires_above = fires_above
        self.clears_below = clears_below
        self.for_seconds = for_seconds
        self.interval = interval
        self.firing = False
        self.since = None
        self.task = None

    async def start(self):
        if self.task is None:
            self.task = asyncio.create_task(self.watch())

    async def stop(self):
        task, self.task = self.task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def watch(self):
        while True:
            self.look()
            await asyncio.sleep(self.interval)

    def look(self):
        used = self.pool.get_size()
        utilization = used / self.pool.get_max_size()
        above = utilization > self.fires_above
        below = utilization < self.clears_below
        beyond = below if self.firing else above
        now = time.monotonic()
        if not beyond:
            self.since = None
            return
        if self.since is None:
            self.since = now
        if now - self.since >= self.for_seconds:
            self.since = None
            self.firing = not self.firing
            with suppress(Exception):
                self.send("firing" if self.firing else "cleared")


answer = PoolAlert
