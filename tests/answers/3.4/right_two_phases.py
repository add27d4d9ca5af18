"""Right: with a loop that waits for one thing after the other, and an event to stop it."""

import asyncio
import logging


class Bell:
    def __init__(
        self, pool, send, fires_above=0.8, clears_below=0.5, for_seconds=30.0, interval=1.0
    ):
        self._pool = pool
        self._send = send
        self._high = fires_above
        self._low = clears_below
        self._hold = for_seconds
        self._interval = interval
        self._stopped = asyncio.Event()
        self._task = None

    @property
    def _utilization(self):
        pool = self._pool
        return (pool.get_size() - pool.get_idle_size()) / pool.get_max_size()

    async def start(self):
        if self._task is None:
            self._stopped.clear()
            self._task = asyncio.ensure_future(self._run())

    async def stop(self):
        self._stopped.set()
        if self._task is not None:
            await asyncio.wait({self._task})
            self._task = None

    async def _run(self):
        while not self._stopped.is_set():
            await self._lasts(lambda: self._utilization > self._high)
            self._tell("firing")
            await self._lasts(lambda: self._utilization < self._low)
            self._tell("cleared")

    def _tell(self, text):
        if self._stopped.is_set():
            return
        try:
            self._send(text)
        except Exception:
            logging.getLogger(__name__).exception("Could not send %s", text)

    async def _lasts(self, condition):
        loop = asyncio.get_running_loop()
        since = None
        while not self._stopped.is_set():
            if not condition():
                since = None
            elif since is None:
                since = loop.time()
            if since is not None and loop.time() - since >= self._hold:
                return
            try:
                await asyncio.wait_for(self._stopped.wait(), self._interval)
            except TimeoutError:
                continue


answer = Bell
