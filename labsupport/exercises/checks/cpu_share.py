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

from labsupport.exercises.bench import Bench

__all__ = ["check"]

SECONDS = 1.0
WORK = "import time; end = time.monotonic() + 20\nwhile time.monotonic() < end: pass"
LEAST_PART = 0.2
"""What is certainly seen of one busy CPU, as a part of it; other programs only add to it."""


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Measure beside a heart that beats and a program that computes all the time."""
    beats: list[float] = []
    heart = asyncio.create_task(_beat(beats))
    await bench.until(lambda: len(beats) > 3)
    with _computing():
        started = time.monotonic()
        call = f"cpu_share({SECONDS:g})"
        value = await bench.run(call, lambda: answer(SECONDS), look="round 2")
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
    _is_a_percentage(bench, call, value)
    return {"CPUs in use": f"{value:.0f} %", "longest standstill": f"{gap * 1000:.0f} ms"}


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
def _computing() -> Iterator[None]:
    """Another process that keeps one CPU busy."""
    with subprocess.Popen([sys.executable, "-c", WORK], stdin=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()
