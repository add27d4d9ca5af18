"""The measurement watches itself: how late its event loop was and how much CPU it took."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

__all__ = ["SelfWatch"]

HEARTBEAT_SECONDS = 0.01
SCHEDULER = Path("/proc/thread-self/schedstat")


def _waited_for_cpu() -> int | None:
    """Nanoseconds in which this thread was ready to run but had no CPU; None but on Linux.

    The second number of the file (Linux, "Scheduler Statistics", Documentation/scheduler).
    """
    with suppress(OSError, ValueError, IndexError):
        return int(SCHEDULER.read_text(encoding="ascii").split()[1])
    return None


class SelfWatch:
    """Watches this process from `start` to `stop`: its event loop's lag and its CPU.

    A heartbeat asks to be woken every 10 ms; by how much it wakes too late is the lag of the
    event loop, and every answer that arrives is noticed late by as much. On Windows the
    clock of timers ticks every 16 ms, so that a lag below that means nothing there.
    """

    def __init__(self) -> None:
        self._lags: list[float] = []
        self._due = 0.0

    async def _beat(self) -> None:
        while True:
            self._due = time.perf_counter() + HEARTBEAT_SECONDS
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._lags.append(time.perf_counter() - self._due)

    def start(self) -> None:
        """Begin to watch; call it in a running event loop."""
        self._wall = time.perf_counter()
        self._cpu = time.process_time()
        self._waited = _waited_for_cpu()
        self._due = self._wall + HEARTBEAT_SECONDS
        self.heartbeat = asyncio.get_running_loop().create_task(self._beat())

    def stop(self) -> None:
        """End the watch and work out what was seen. The `heartbeat` task ends a moment later."""
        now = time.perf_counter()
        waited = _waited_for_cpu()
        if self._waited is not None and waited is not None:
            self._waited = waited - self._waited
        self._cpu = time.process_time() - self._cpu
        self._wall = now - self._wall
        # A loop that was blocked to the very end has not let the last beat through: count it.
        if now > self._due:
            self._lags.append(now - self._due)
        self.heartbeat.cancel()

    @property
    def loop_lag_ms(self) -> float:
        """By how many ms the event loop was late, the median of the heartbeats."""
        return max(0.0, median(self._lags) * 1000) if self._lags else 0.0

    @property
    def client_cpu(self) -> float:
        """CPU time of this process over elapsed time: 1.0 is one whole core."""
        return self._cpu / self._wall if self._wall > 0 else 0.0

    @property
    def waiting_for_cpu(self) -> float | None:
        """The share of the time in which this thread was ready to run but had no CPU.

        None where the system does not say so: it does on Linux.
        """
        if self._waited is None:
            return None
        return self._waited / 1e9 / self._wall if self._wall > 0 else 0.0
