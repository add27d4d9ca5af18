"""Ctrl-C in a terminal or the stop button of a notebook ends a run and keeps what it has shown."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from labsupport.errors import LabError

__all__ = ["STOPPED", "Stop", "StoppedTooEarly", "stop_on_interrupt"]

STOPPED = "stopped"


class StoppedTooEarly(LabError):
    """A run was stopped before it had anything to show."""

    def __init__(self) -> None:
        super().__init__("The run was stopped before anything was measured; run it again.")


class Stop:
    """Whether somebody has asked for the end; `event` is done as soon as the loop knows."""

    def __init__(self) -> None:
        self.asked = False
        self.event = asyncio.get_running_loop().create_future()

    def ask(self) -> None:
        """Ask for the end; twice is as good as once."""
        self.asked = True
        if not self.event.done():
            self.event.set_result(None)


@contextmanager
def stop_on_interrupt() -> Iterator[Stop]:
    """While the block runs, the first interrupt (SIGINT) asks for the end and raises nothing.

    A second interrupt does what it would do otherwise. Both a terminal's Ctrl-C and the stop
    button of Jupyter are this signal. Outside the main thread, which alone may handle signals,
    nothing asks. Cancelling the task that measures is not an interrupt: that goes through.
    """
    stop = Stop()
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)

    def interrupted(number: int, frame: FrameType | None) -> None:
        if stop.asked and callable(before):
            before(number, frame)
        stop.asked = True
        loop.call_soon_threadsafe(stop.ask)

    if threading.current_thread() is not threading.main_thread() or before is None:
        yield stop
        return
    signal.signal(signal.SIGINT, interrupted)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
