"""What one arm has shown so far, kept exactly, and how a request is sent and given up."""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from collections.abc import Iterable

from labsupport.measuring.files import read_only
from labsupport.measuring.load import Parts, Request
from labsupport.measuring.results import Result, Slice

__all__ = ["Record", "attempt", "give_up"]

GRACE_SECONDS = 1.0


class Record:
    """What one arm has shown so far. It only grows: nothing that happened is taken back.

    A request costs 8 bytes; in an open loop 16, for its lateness; with parts 24 more.
    """

    def __init__(self) -> None:
        self.latencies = array("q")
        self.failed_latencies = array("q")
        self.lateness = array("q")
        self.wait = array("q")
        self.use = array("q")
        self.connect = array("q")
        self.errors: Counter[str] = Counter()
        self.slices: list[Slice] = []

    @property
    def ended(self) -> int:
        """How many requests succeeded or failed."""
        return len(self.latencies) + len(self.failed_latencies)

    def keep(self, failure: str | None, answer: object, nanoseconds: int) -> None:
        """Keep one request: how it failed, if it did, else its answer's parts; and its latency."""
        if failure is not None:
            self.errors[failure] += 1
            self.failed_latencies.append(nanoseconds)
            return
        self.latencies.append(nanoseconds)
        if type(answer) is Parts:
            try:
                self.wait.append(answer.wait)
                self.use.append(answer.use)
                self.connect.append(answer.connect)
            except TypeError:
                raise TypeError(
                    "Parts takes whole nanoseconds, as perf_counter_ns() counts them; "
                    f"the request returned {answer!r}."
                ) from None

    def reported(self) -> dict[str, array[int]]:
        """The parts that some request reported as more than zero."""
        parts = {"wait": self.wait, "use": self.use, "connect": self.connect}
        return {name: values for name, values in parts.items() if any(values)}

    def result(self, name: str, **more: object) -> Result:
        """The `Result` of an arm of this name; `more` are the fields that a record lacks."""
        return Result(
            name=name,
            latencies=read_only(self.latencies),
            failed_latencies=read_only(self.failed_latencies),
            lateness=read_only(self.lateness),
            parts={part: read_only(values) for part, values in self.reported().items()},
            errors=dict(self.errors),
            slices=tuple(self.slices),
            **more,  # type: ignore[arg-type]
        )


async def attempt(request: Request) -> tuple[str | None, object]:
    """Run one request: the name of what it raised or None, and what it returned.

    Being cancelled from outside goes through; a CancelledError of the request's own is a failure.
    """
    try:
        return None, await request()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return "CancelledError", None
    except Exception as error:
        return type(error).__name__, None


async def give_up(tasks: Iterable[asyncio.Future[None]]) -> None:
    """Cancel tasks and wait a second for their end; one that refuses to end is left alone."""
    pending = [task for task in tasks if not task.done()]
    for task in pending:
        task.cancel()
        task.add_done_callback(_look_at)
    if pending:
        await asyncio.wait(pending, timeout=GRACE_SECONDS)


def _look_at(task: asyncio.Future[None]) -> None:
    """Take note of a given-up task's exception, so that asyncio does not complain about it."""
    if not task.cancelled():
        task.exception()
