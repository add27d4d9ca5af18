"""Exercise 08.b: the smallest pool that is nearly as good as the best."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

SWEEPS: tuple[tuple[str, dict[int, float], int], ...] = (
    (
        "a curve that becomes flat",
        {1: 1000.0, 2: 1900.0, 4: 2500.0, 8: 2600.0, 16: 2610.0},
        4,
    ),
    ("a curve that falls behind its top", {1: 1100.0, 2: 1700.0, 4: 1650.0, 8: 1200.0}, 2),
    ("a small step and then a large one", {1: 100.0, 2: 104.0, 4: 400.0, 8: 405.0}, 4),
    ("90 percent of the best, exactly", {1: 100.0, 2: 180.0, 4: 200.0}, 2),
    ("just below 90 percent", {1: 100.0, 2: 179.0, 4: 200.0}, 4),
    ("sizes in no order", {16: 2000.0, 2: 1200.0, 8: 2050.0, 4: 1900.0}, 4),
    ("one size only", {10: 700.0}, 10),
)
PART = 0.9
LOOK = "round 3: where more connections gain little, and what is compared with what"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Give it sweeps of several forms, and one without any size."""
    bench.expect(
        not inspect.iscoroutinefunction(answer),
        "find_knee is an async function: a call returns a coroutine, and no number.",
        "an ordinary function, without await.",
        "how the function is defined",
    )
    for what, sweep, right in SWEEPS:
        call = f"find_knee({sweep})"
        size = await bench.run(call, partial(answer, dict(sweep)), look=LOOK)
        bench.expect(
            size in sweep,
            f"{call} returned {size!r}.",
            "one of the numbers of connections that were measured.",
            "whether a key of the dictionary is returned, or a value",
        )
        part = sweep[size] / max(sweep.values())
        verdict = "a smaller one is as good" if part >= PART else "that is too few"
        bench.expect(
            size == right,
            f"with {what}, {call} returned {size}. There the throughput is {part:.1%} of the "
            f"highest, and {verdict}.",
            "the smallest number of connections with 90 % of the highest throughput or more.",
            LOOK,
        )
    await bench.must_raise(
        "find_knee({})",
        lambda: answer({}),
        ValueError,
        expected="ValueError, because nothing was measured.",
        look="what happens without any size",
    )
    return {"sweeps in which the knee was found": len(SWEEPS)}
