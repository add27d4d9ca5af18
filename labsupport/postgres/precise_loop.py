"""An event loop whose timers are as precise as the operating system allows.

asyncio's own loop rounds its timers up to whole milliseconds on Linux, because `epoll` counts in
these; a delay of half a millisecond would be twice as long. macOS has no such rounding. Windows
ticks every 15.6 ms unless a program asks for more.
"""

from __future__ import annotations

import asyncio
import select
import selectors
import sys

__all__ = ["precise_loop"]

if sys.platform == "linux":

    class _PreciseSelector(selectors.EpollSelector):
        """Waits with `select`, which counts in microseconds, until `epoll` has something."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout > 0:
                select.select([self.fileno()], [], [], timeout)
                timeout = 0
            return super().select(timeout)


def precise_loop() -> asyncio.AbstractEventLoop:
    """Return a new event loop, for `asyncio.Runner(loop_factory=precise_loop)`."""
    if sys.platform == "linux":
        return asyncio.SelectorEventLoop(_PreciseSelector())
    if sys.platform == "win32":
        import ctypes

        # Ticks of 1 ms for this process, until it ends.
        ctypes.windll.winmm.timeBeginPeriod(1)
    return asyncio.new_event_loop()
