"""Exercise 09.b: how busy the CPUs are, without stopping the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
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


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Measure, three times at once, beside a heart that beats and a program that computes."""
    beats: list[float] = []
    heart = asyncio.create_task(_beat(beats))
    await bench.until(lambda: len(beats) > 3)
    call = f"cpu_share({SECONDS:g})"
    with _computing(), _load_averages() as averages:
        started = time.monotonic()
        values = await _calls(answer, bench, call)
        took = time.monotonic() - started
    heart.cancel()
    bench.no_blocking_sleep(call)
    gap = max(later - sooner for sooner, later in pairwise([*beats, time.monotonic()]))
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
    _is_a_percentage(bench, call, values[0])
    for value in values[1:]:
        _is_a_percentage(bench, f"{call}, one of {AT_ONCE} calls at the same time,", value)
    return {"CPUs in use": f"{values[0]:.0f} %", "longest standstill": f"{gap * 1000:.0f} ms"}


async def _calls(answer: Any, bench: Bench, call: str) -> list[Any]:
    """Several calls, so that one that looks back to the call before has nothing to look at."""
    runs = (bench.run(call, lambda: answer(SECONDS), look="round 2") for _ in range(AT_ONCE))
    return await asyncio.gather(*runs)


def _is_a_percentage(bench: Bench, call: str, value: Any) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    bench.expect(
        is_number and 0 <= value <= 100.5,
        f"{call} returned {value!r}.",
        "a number from 0 to 100, in percent of all CPUs.",
        "what is returned",
    )
    least = 100 * LEAST_PART / (os.cpu_count() or 1)
    bench.expect(
        value >= least,
        f"{call} returned {value:.3g}, while a program computed all the time.",
        f"at least {least:.2g} percent of all CPUs.",
        "the unit of the result, percent, and whether the use falls into the time that is measured",
    )


async def _beat(beats: list[float]) -> None:
    while True:
        beats.append(time.monotonic())
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def _load_averages() -> Iterator[list[float]]:
    """Note each call of a function that tells the load average; only psutil's is everywhere."""
    noted: list[float] = []

    def noting(function: Any) -> Any:
        def load_average() -> Any:
            noted.append(time.monotonic())
            return function()

        return load_average

    with contextlib.ExitStack() as stack:
        for module in (psutil, os):
            if function := getattr(module, "getloadavg", None):
                stack.enter_context(mock.patch.object(module, "getloadavg", noting(function)))
        yield noted


@contextlib.contextmanager
def _computing() -> Iterator[None]:
    """Another process that keeps one CPU busy."""
    with subprocess.Popen([sys.executable, "-c", WORK], stdin=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()
