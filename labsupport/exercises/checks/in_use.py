"""Exercise 08.a: Little's law, from a list of loans."""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

Loans = list[tuple[float, float]]

CASES: tuple[tuple[str, Loans, float], ...] = (
    ("one loan of 2 s in 10 s", [(3.0, 5.0)], 10.0),
    ("three loans at the same time", [(0.0, 0.5), (0.1, 0.6), (0.2, 0.7)], 1.0),
    ("a short loan and a long one", [(1.0, 1.1), (2.0, 3.9)], 4.0),
    ("97 loans of 0.03 s in 1 s", [(n / 100, n / 100 + 0.03) for n in range(97)], 1.0),
    ("no loan at all", [], 2.0),
)
NAMES = ("arrival rate", "hold time", "number in use")
LOOK = "round 1: what arrives per second, how long each stays, and what follows from the two"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Give it made-up loans, and then those of a real pool."""
    bench.expect(
        not inspect.iscoroutinefunction(answer),
        "in_use is an async function: a call returns a coroutine, and no numbers.",
        "an ordinary function, without await.",
        "how the function is defined",
    )
    for what, loans, seconds in CASES:
        await _ask(answer, bench, what, loans, seconds)
    loans, seconds = await _real_loans(bench)
    rate, hold, busy = await _ask(answer, bench, "the loans of a real pool", loans, seconds)
    return {
        "requests per second to a real pool of 4": round(rate),
        "hold time there": f"{hold * 1000:.0f} ms",
        "connections in use there, on average": round(busy, 2),
    }


async def _ask(
    answer: Any, bench: Bench, what: str, loans: Loans, seconds: float
) -> tuple[float, float, float]:
    look = LOOK if loans else "what is said about no loan at all: all three numbers are 0"
    found = await bench.run(f"in_use with {what}", lambda: answer(list(loans), seconds), look=look)
    is_triple = isinstance(found, (tuple, list)) and len(found) == 3
    bench.expect(
        is_triple and all(isinstance(value, (int, float)) for value in found),
        f"in_use with {what} returned {found!r}.",
        "three numbers: arrival rate, hold time, and how many are in use on average.",
        "what the function returns",
    )
    held = sum(released - acquired for acquired, released in loans)
    right = (len(loans) / seconds, held / len(loans) if loans else 0.0, held / seconds)
    for name, value, expected in zip(NAMES, found, right, strict=True):
        bench.expect(
            math.isclose(value, expected, rel_tol=1e-6, abs_tol=1e-9),
            f"in_use with {what} gave {value!r} as {name}.",
            f"{expected:.4g}.",
            look,
        )
    return right


async def _real_loans(bench: Bench) -> tuple[Loans, float]:
    """Let twelve requests share four connections."""
    bench.stage("twelve requests to a pool of 4")
    loans: Loans = []

    async def request(delay: float) -> None:
        await asyncio.sleep(delay)
        async with pool.acquire(timeout=15) as connection:
            acquired = time.monotonic()
            await connection.execute("SELECT pg_sleep(0.05)")
        loans.append((acquired - start, time.monotonic() - start))

    async with bench.pool(4) as pool:
        start = time.monotonic()
        await asyncio.gather(*(request(number * 0.02) for number in range(12)))
        return loans, time.monotonic() - start
