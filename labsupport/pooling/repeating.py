"""One task that does the same thing again and again until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

__all__ = ["Repeater"]

logger = logging.getLogger(__name__)


class Repeater:
    """Runs `work` in a task of its own, waits `pause()` seconds, and runs it again.

    The task is kept, since asyncio itself holds it only weakly. An exception of `work` is logged
    and does not end it.
    """

    def __init__(
        self, name: str, work: Callable[[], Awaitable[object]], pause: Callable[[], float]
    ) -> None:
        self._name = name
        self._work = work
        self._pause = pause
        self._task: asyncio.Task[None] | None = None
        self._first_is_over = asyncio.Event()

    @property
    def is_running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._task is not None and not self._task.done()

    async def start(self) -> None:
        """Start, and return when the work was done once. Starting what runs starts nothing."""
        if not self.is_running:
            over = self._first_is_over = asyncio.Event()
            self._task = asyncio.create_task(self._run(over), name=self._name)
            # A task that is stopped before its first step never gets to say so itself.
            self._task.add_done_callback(lambda _: over.set())
        await self._first_is_over.wait()

    async def stop(self) -> None:
        """End the task now, in the middle of its work if need be, and wait until it has ended."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self, first_is_over: asyncio.Event) -> None:
        while True:
            try:
                await self._work()
            except Exception:
                logger.exception("%s failed and goes on", self._name)
            first_is_over.set()
            await asyncio.sleep(self._pause())
