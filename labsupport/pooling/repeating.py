"""One task that does the same thing again and again until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .exceptions import WrongEventLoop

__all__ = ["Repeater"]

logger = logging.getLogger(__name__)

STOP_LIMIT = 10.0
"""Seconds that `stop` waits for work that does not end when it is cancelled."""


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
        """Whether it was started and not stopped since, and its event loop is still there."""
        task = self._task
        return task is not None and not task.done() and not task.get_loop().is_closed()

    async def start(self) -> None:
        """Start, and return when the work was done once. Starting what runs starts nothing.

        Raises WrongEventLoop when it runs in another event loop.
        """
        self._refuse_another_loop()
        if not self.is_running:
            over = self._first_is_over = asyncio.Event()
            self._task = asyncio.create_task(self._run(over), name=self._name)
            # A task that is stopped before its first step never gets to say so itself.
            self._task.add_done_callback(lambda _: over.set())
        await self._first_is_over.wait()

    async def stop(self) -> None:
        """End the task now, in the middle of its work if need be, and wait until it has ended.

        Raises WrongEventLoop, and ends nothing, when the task runs in another event loop.
        """
        self._refuse_another_loop()
        task = self._task
        if task is None or not self.is_running:
            return
        self._task = None
        task.cancel()
        _, left = await asyncio.wait([task], timeout=STOP_LIMIT)
        if left:
            logger.warning("%s was cancelled %g s ago and still runs", self._name, STOP_LIMIT)

    def _refuse_another_loop(self) -> None:
        task = self._task
        elsewhere = task is not None and task.get_loop() is not asyncio.get_running_loop()
        if self.is_running and elsewhere:
            raise WrongEventLoop

    async def _run(self, first_is_over: asyncio.Event) -> None:
        while True:
            try:
                await self._work()
            except Exception:
                logger.exception("%s failed and goes on", self._name)
            first_is_over.set()
            if self._task is not asyncio.current_task():
                return  # It was stopped, and the work has not let itself be cancelled.
            await asyncio.sleep(self._pause())
