"""The leak watch: who borrowed a connection, where, for how long, and whether it came back."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .observers import PoolObserver

__all__ = ["LeakWatch", "Loan"]

logger = logging.getLogger(__name__)

NOT_THE_BORROWER = (
    str(Path(__file__).parent) + os.sep,
    str(Path(asyncio.__file__).parent) + os.sep,
    contextlib.__file__,
)
EVENT_LOOP = asyncio.events.__file__


@dataclass(frozen=True)
class Loan:
    """A connection that is lent out now."""

    task: str
    """The name of the task that borrowed it."""
    stack: tuple[str, ...]
    """Where: `file:line in function`, the borrowing line first and its callers after it."""
    held_seconds: float

    def __str__(self) -> str:
        return f"{_who(self.task, self.stack)}, held for {self.held_seconds:.1f} s"


@dataclass
class _Entry:
    task: str
    stack: tuple[str, ...]
    since: float
    timer: asyncio.TimerHandle
    reported: bool = False


class LeakWatch(PoolObserver):
    """Reports a connection that is held for longer than `after` seconds, and its coming back.

    It notes the stack at every acquire, which costs some ten microseconds: put it beside a pool
    when you look for a leak, `DatabasePool(LeakWatch(after=5))`. `report` gets one line of text
    and is `logger.warning` unless given. `depth` is the number of lines of the stack to keep.
    Raises ValueError for values that are not above zero.
    """

    def __init__(
        self,
        after: float = 30.0,
        report: Callable[[str], None] | None = None,
        depth: int = 3,
    ) -> None:
        if after <= 0 or depth < 1:
            raise ValueError(f"after and depth are above zero, not {after!r} and {depth!r}.")
        self._after = after
        self._report = report or logger.warning
        self._depth = depth
        self._entries: dict[Any, _Entry] = {}

    def loans(self) -> list[Loan]:
        """What is lent out now, the longest held first."""
        return sorted(
            (Loan(e.task, e.stack, _now() - e.since) for e in self._entries.values()),
            key=lambda loan: -loan.held_seconds,
        )

    def on_acquire(self, conn: Any) -> None:
        """Note who borrows it and start the clock."""
        task = asyncio.current_task()
        timer = asyncio.get_running_loop().call_later(self._after, self._is_late, conn)
        name = task.get_name() if task else "no task"
        self._entries[conn] = _Entry(name, _borrowing_stack(self._depth), _now(), timer)

    def on_release(self, conn: Any) -> None:
        """Stop the clock; say so when the connection had been reported."""
        entry = self._entries.pop(conn)
        entry.timer.cancel()
        if entry.reported:
            held = _now() - entry.since
            self._report(f"It came back after {held:.1f} s: {_who(entry.task, entry.stack)}")

    def on_close(self) -> None:
        """Forget all loans."""
        for entry in self._entries.values():
            entry.timer.cancel()
        self._entries.clear()

    def where(self, conn: Any) -> str:
        """Who borrowed it and where, innermost line first."""
        entry = self._entries.get(conn)
        return _who(entry.task, entry.stack) if entry else ""

    def _is_late(self, conn: Any) -> None:
        entry = self._entries[conn]
        entry.reported = True
        self._report(
            f"A connection has been held for more than {self._after:g} s; borrowed by "
            f"{_who(entry.task, entry.stack)}"
        )


def _now() -> float:
    return asyncio.get_running_loop().time()


def _who(task: str, stack: tuple[str, ...]) -> str:
    return f"{task} at {' < '.join(stack)}" if stack else task


def _borrowing_stack(depth: int) -> tuple[str, ...]:
    """Return the innermost lines of this task that are neither asyncio's nor this package's."""
    lines: list[str] = []
    frame = inspect.currentframe()
    while frame is not None and len(lines) < depth:
        file, function = frame.f_code.co_filename, frame.f_code.co_name
        if file == EVENT_LOOP:
            break
        if not file.startswith(NOT_THE_BORROWER):
            lines.append(f"{file}:{frame.f_lineno} in {function}")
        frame = frame.f_back
    return tuple(lines)
