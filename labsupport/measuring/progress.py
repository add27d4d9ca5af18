"""One line that says how far a measurement is: in a notebook, in a terminal, or not at all.

It is updated between slices, or twice a second where a slice is long, and at most four times a
second: printing while requests run would be measured along with them.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

__all__ = ["Progress", "Reporter", "quiet"]

Progress = Callable[[float, str], None]
"""Called with the share that is done (0 to 1) and a text; the last call has the share 1."""

SECONDS_BETWEEN = 0.25
SECONDS_BETWEEN_TICKS = 0.5


def quiet() -> Progress:
    """Progress for nobody: `await measure(request, load, progress=quiet())`."""
    return lambda share, text: None


class Reporter:
    """Passes progress on, but not more often than a reader can follow."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress or _for_this_place()
        self._last = float("-inf")

    def report(self, share: float, text: str) -> None:
        """Pass on what is done unless the last time was a moment ago."""
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN:
            self._last = now
            # Only the last sentence has the share 1: a slow round may go beyond its time.
            self._progress(min(max(share, 0.0), 0.99), text)

    @asynccontextmanager
    async def ticking(self, done: float, seconds: float, text: str) -> AsyncIterator[None]:
        """Report before the block, and while it runs if it runs for long; `done` seconds are done.

        Slices are short, so that nothing is reported while they run; a single open loop is not.
        """
        start = time.monotonic()

        async def tick() -> None:
            while True:
                passed = done + time.monotonic() - start
                self.report(passed / seconds, f"{text}, {passed:.0f} of {seconds:g} s")
                await asyncio.sleep(SECONDS_BETWEEN_TICKS)

        ticking = asyncio.create_task(tick())
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.wait([ticking])

    def say(self, text: str) -> None:
        """Pass a text on that must not be lost."""
        self._progress(0.0, text)

    def finish(self, text: str) -> None:
        """Pass on the sentence that stays."""
        self._progress(1.0, text)


def _for_this_place() -> Progress:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None and hasattr(shell, "kernel"):
        return _NotebookLine()
    return _TerminalLine()


class _NotebookLine:
    """One line of output in a notebook, replaced as the work goes on."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._display: Any = sys.modules["IPython"].display.display

    def __call__(self, share: float, text: str) -> None:
        line = text if share >= 1 else f"{share:4.0%}  {text}"
        content = {"text/plain": line}
        if self._handle is None:
            self._handle = self._display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


class _TerminalLine:
    """One line on standard error; where that is no terminal, the last sentence alone."""

    def __init__(self) -> None:
        self._width = 0

    def __call__(self, share: float, text: str) -> None:
        done = share >= 1
        if sys.stderr.isatty():
            line = text if done else f"{share:4.0%}  {text}"
            end = "\n" if done else ""
            print("\r" + line.ljust(self._width), end=end, file=sys.stderr, flush=True)
            self._width = len(line)
        elif done:
            print(text, file=sys.stderr)
