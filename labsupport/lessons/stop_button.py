"""The stop button ends a cell that waits in `await`, and a sentence says where it was.

A kernel hears the button as a signal. While a cell waits in `await`, its event loop sleeps in a
call of the operating system and looks at nothing, so that the button seems dead until something
else wakes the loop. `signal.set_wakeup_fd` makes each signal write a byte to a socket; the loop
watches that socket, and so it wakes.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
import traceback

from labsupport.errors import LabError

__all__ = ["SIGNS", "StopButton"]

SIGNS = (KeyboardInterrupt, asyncio.CancelledError)
"""What a cell ends with when it is stopped; a task that was cancelled ends with the second too."""
WHAT_TO_DO = "This cell was stopped{where}. Run it again, or go on with another one."


class StopButton:
    """Wakes the event loop when the button is pressed, and knows whether it was."""

    def __init__(self) -> None:
        self._pressed = False
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)

    def listen(self) -> None:
        """From now on a signal wakes the running loop; twice is as good as once.

        Nothing changes in a thread that hears no signals, and for a loop that wakes already.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        # Windows' usual loop cannot watch a socket in this way, and wakes by itself.
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_reader(self._ear, self._hear)
            bell = self._bell.fileno()
            before = signal.set_wakeup_fd(bell, warn_on_full_buffer=False)
            if before not in (-1, bell):  # Whoever put it there needs it for handlers of its own.
                signal.set_wakeup_fd(before)

    def forget(self, *_: object) -> None:
        """A new cell begins: what was pressed before is not meant for it."""
        self._hear()
        self._pressed = False

    def explanation(self, error: BaseException) -> LabError | None:
        """Return what to say of `error` when a cell ended with it because of the button."""
        self._hear()
        if self._pressed or isinstance(error, KeyboardInterrupt):
            return LabError(WHAT_TO_DO.format(where=_where(error)))
        return None

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while signals := self._ear.recv(64):
                self._pressed = self._pressed or signal.SIGINT in signals


def _where(error: BaseException) -> str:
    """In which line of the cell it was: the innermost that stands in the cell's own text."""
    frames = traceback.extract_tb(error.__traceback__)
    cell = next((frame.filename for frame in frames if frame.name == "<module>"), None)
    lines = [frame for frame in frames if frame.filename == cell]
    return f" in line {lines[-1].lineno}: {lines[-1].line}" if lines and lines[-1].line else ""
