"""Exercise 3.4: an alarm with two bounds and a delay."""

import asyncio
import contextlib
import logging
import time

__all__ = ["PoolAlert"]


class PoolAlert:
    """Tells `send` once when a pool is nearly used up, and once when that is over."""

    def __init__(
        self, pool, send, fires_above=0.8, clears_below=0.5, for_seconds=30.0, interval=1.0
    ):
        self._pool = pool
        self._send = send
        self._bounds = (fires_above, clears_below)
        self._for_seconds = for_seconds
        self._interval = interval
        self._task = None

    async def start(self):
        """Begin to watch, in a task of its own."""
        if self._task is None:
            self._task = asyncio.create_task(self._watch())

    async def stop(self):
        """End that task."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self):
        firing, since = False, None
        while True:
            now = time.monotonic()
            # The state lasts until the other bound has been passed for long enough.
            if not self._should_change(firing):
                since = None
            elif since is None:
                since = now
            elif now - since >= self._for_seconds:
                firing, since = not firing, None
                self._tell("firing" if firing else "cleared")
            await asyncio.sleep(self._interval)

    def _should_change(self, firing):
        lent = self._pool.get_size() - self._pool.get_idle_size()
        utilization = lent / self._pool.get_max_size()
        fires_above, clears_below = self._bounds
        return utilization < clears_below if firing else utilization > fires_above

    def _tell(self, word):
        try:
            self._send(word)
        except Exception as error:
            # An alarm that cannot be sent must not end the watching.
            logging.getLogger(__name__).warning("%r could not be sent: %r", word, error)
