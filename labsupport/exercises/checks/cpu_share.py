"""Exercise 09.b: how busy the CPUs are, without stopping the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from typing import Any
from unittest import mock

import psutil

from labsupport.exercises.bench import Bench

__all__ = ["check"]

SECONDS = 1.0
AT_ONCE = 3
WORK = "import time; end = time.monotonic() + 20\nwhile time.monotonic() < end: pass"
LEAST_PART = 0.2
"""What is certainly seen of one busy CPU, as a part of it; other programs only add to it."""
LEAST_OF_OURS = 0.1
"""And as a part of the use that the check sees itself meanwhile."""
LOAD = ("getloadavg",)
SINCE_BEFORE = ("cpu_percent", "cpu_times_percent")
BEAT = 0.01
LEAST_BESIDE = 10
"""Beats of another thread while the event loop stands still: then it is not the machine's fault."""


class Heart:
    """Beats in the event loop, and notes how often a thread beside it has beaten so far."""

    def __init__(self) -> None:
        self.beats: list[tuple[float, int]] = []
        self._beside = 0
        threading.Thread(target=self._beat_beside, daemon=True).start()
        self._task = asyncio.create_task(self._beat())

    def stop(self) -> float:
        """Return for how many seconds at most the loop stood still while the thread went on."""
        self._task.cancel()
        self._note()
        gaps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(self.beats)]
        return max((seconds for seconds, beside in gaps if beside >= LEAST_BESIDE), default=0.0)

    def _note(self) -> None:
        self.beats.append((time.monotonic(), self._beside))

    async def _beat(self) -> None:
        while True:
            self._note()
            await asyncio.sleep(BEAT)

    def _beat_beside(self) -> None:
        while True:
            self._beside += 1
            time.sleep(BEAT)


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Measure, three times at once, beside a heart that beats and a program that computes."""
    heart = Heart()
    await bench.until(lambda: len(heart.beats) > 3)
    call = f"cpu_share({SECONDS:g})"
    with _computing(), _noted(LOAD) as averages, _noted(SINCE_BEFORE) as asked:
        before = psutil.cpu_times()
        values, took = await _calls(answer, bench, call)
        seen = _use(before, psutil.cpu_times())
    gap = heart.stop()
    bench.no_blocking_sleep(call)
    bench.expect(
        gap < 0.8 * SECONDS,
        f"during {call}, the event loop stood still for {gap:.1f} s.",
        "that everything else goes on meanwhile.",
        "round 2: what a call without an await does to all others",
    )
    bench.expect(
        took > 0.8 * SECONDS,
        f"{call} returned after {took:.2f} s.",
        f"that it looks at {SECONDS:g} s, from its call on.",
        "round 2: over which time a use is measured when nothing waits",
    )
    bench.expect(
        not averages,
        f"{call} asked for the load average, which looks back over a minute.",
        f"how busy the CPUs are in the {SECONDS:g} s from the call on.",
        "the time that each function of psutil looks at",
    )
    looked_at = sum(interval for _, interval in asked)
    bench.expect(
        not looked_at or looked_at >= 0.8 * AT_ONCE * SECONDS,
        f"{AT_ONCE} times {call} let psutil look at {looked_at:.1f} s in all.",
        f"at {SECONDS:g} s each time.",
        "which part of the time is measured, and which is only waited for",
    )
    _is_a_percentage(bench, call, values[0], seen)
    among = f"{call}, one of {AT_ONCE} calls at the same time,"
    bench.expect(
        not _mixed([task for task, interval in asked if not interval]),
        f"{among} asked psutil for the use since the last such question, which was another call's.",
        f"the use in the {SECONDS:g} s from its own call on.",
        "the time that each function of psutil looks at, and who asked it before",
    )
    for value in values[1:]:
        _is_a_percentage(bench, among, value, seen)
    return {"CPUs in use": f"{values[0]:.0f} %", "and as the check sees them": f"{seen:.0f} %"}


async def _calls(answer: Any, bench: Bench, call: str) -> tuple[list[Any], float]:
    """Several calls, so that one that looks back to the call before has nothing to look at.

    Returns the values, and the seconds that the quickest call took.
    """
    times: list[float] = []

    async def one() -> Any:
        started = time.monotonic()
        value = await bench.run(call, lambda: answer(SECONDS), look="round 2")
        times.append(time.monotonic() - started)
        return value

    values = await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return values, min(times)


def _use(before: Any, after: Any) -> float:
    """How busy all CPUs were between two readings, in percent."""
    passed = sum(after) - sum(before)
    idle = after.idle - before.idle
    return 100 * (1 - idle / passed) if passed > 0 else 0.0


def _mixed(borrowed: list[Any]) -> bool:
    """Whether a task asked again after another had asked; psutil answers each thread apart."""
    tasks = [task for task in borrowed if task is not None]
    return len(list(groupby(tasks))) > len(set(tasks))


def _is_a_percentage(bench: Bench, call: str, value: Any, seen: float) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    bench.expect(
        is_number and 0 <= value <= 100.5,
        f"{call} returned {value!r}.",
        "a number from 0 to 100, in percent of all CPUs.",
        "what is returned",
    )
    least = max(100 * LEAST_PART / (os.cpu_count() or 1), LEAST_OF_OURS * seen)
    bench.expect(
        value >= least,
        f"{call} returned {value:.3g}, while a program computed all the time.",
        f"at least {least:.2g} percent of all CPUs.",
        "the unit of the result, percent, and whether the use falls into the time that is measured",
    )


@contextlib.contextmanager
def _noted(names: tuple[str, ...]) -> Iterator[list[tuple[Any, float]]]:
    """Note who calls these functions of psutil and Python, and the seconds they are to look at.

    Who: a task, or None for a thread of its own. The seconds are 0 for a look at the time since
    the call before.
    """
    noted: list[tuple[Any, float]] = []
    loop_thread = threading.get_ident()

    def noting(function: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **named: Any) -> Any:
            interval = named.get("interval", arguments[0] if arguments else None)
            here = threading.get_ident() == loop_thread
            noted.append((asyncio.current_task() if here else None, float(interval or 0)))
            return function(*arguments, **named)

        return note

    with contextlib.ExitStack() as stack:
        for module in (psutil, os):
            for name in names:
                if function := getattr(module, name, None):
                    stack.enter_context(mock.patch.object(module, name, noting(function)))
        yield noted


@contextlib.contextmanager
def _computing() -> Iterator[None]:
    """Another process that keeps one CPU busy."""
    with subprocess.Popen([sys.executable, "-c", WORK], stdin=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()
