"""Exercise 2.2: how many connections a load needs, and whether a server has them."""

from __future__ import annotations

import asyncio
import inspect
import math
import time
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

NAMES = (
    "requests_per_second",
    "seconds_per_request",
    "max_connections",
    "reserved",
    "processes",
)
FITS = (
    (100, 0.03, 100, 3, 1),
    (100, 0.3, 100, 3, 1),
    (50, 0.25, 100, 3, 1),
    (10, 0.005, 100, 3, 1),
    (1000, 0.02, 100, 3, 4),
    (900, 0.1, 200, 10, 2),
    (1000, 0.05, 100, 3, 8),
    (8, 0.5, 100, 3, 1),
    (1000, 0.02, 31, 3, 4),
)
TOO_MUCH = (
    (1000, 0.1, 100, 3, 1),
    (10, 0.005, 20, 3, 30),
    (900, 0.1, 120, 10, 2),
    (1000, 0.02, 30, 3, 4),
)
SENSELESS = (
    (0, 0.02, 100, 3, 1),
    (-5, 0.02, 100, 3, 1),
    (100, 0, 100, 3, 1),
    (100, -0.02, 100, 3, 1),
    (100, 0.02, 100, 3, 0),
    (100, 0.02, 100, 3, -2),
)
BUSY = 0.8


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask it for several scenarios, then put one of its sizes under that load."""
    _is_ordinary(answer, bench)
    for scenario in FITS:
        await _fits(answer, bench, scenario)
    for scenario in TOO_MUCH:
        share = (scenario[2] - scenario[3]) // scenario[4]
        await _refused(
            answer,
            bench,
            scenario,
            f"ValueError, because the server has {share} connections for each process, without "
            "the reserved ones, and that is too few.",
            "whether all pools together are compared with what the server has",
        )
    for scenario in SENSELESS:
        await _refused(
            answer,
            bench,
            scenario,
            "ValueError, because these numbers make no sense.",
            "which arguments have to be above zero",
        )
    size = await bench.run("pool_size", lambda: answer(**_named(FITS[0])))
    return await _under_load(size, bench)


def _named(scenario: tuple[float, ...]) -> dict[str, Any]:
    return dict(zip(NAMES, scenario, strict=True))


def _call(scenario: tuple[float, ...]) -> str:
    return "pool_size(" + ", ".join(f"{k}={v}" for k, v in _named(scenario).items()) + ")"


def _is_ordinary(answer: Any, bench: Bench) -> None:
    is_async = inspect.iscoroutinefunction(answer)
    bench.expect(
        not is_async,
        "pool_size is an async function: a call returns a coroutine, and no number.",
        "an ordinary function, without await.",
        "how the function is defined",
    )


async def _fits(answer: Any, bench: Bench, scenario: tuple[float, ...]) -> None:
    size = await bench.run(
        _call(scenario),
        lambda: answer(**_named(scenario)),
        look=f"how large a pool is needed here, and whether one that just fits is refused; the "
        f"server has {(scenario[2] - scenario[3]) // scenario[4]} for each process",
    )
    bench.expect(
        isinstance(size, int) and not isinstance(size, bool) and size > 0,
        f"{_call(scenario)} returned {size!r}.",
        "a whole number above zero.",
        "how the result is rounded, and its type",
    )
    rate, seconds, *_, processes = scenario
    busy = rate * seconds / processes
    right = max(1, math.ceil(busy / BUSY))
    verdict = "too few" if size < right else "more than needed"
    bench.expect(
        size == right,
        f"{_call(scenario)} returned {size}, which is {verdict}: the connections of such a pool "
        f"would be busy {busy / size:.0%} of the time.",
        "the smallest size with which they are busy 80 % of the time at most.",
        "how many connections are busy on average, how the load is shared by the processes, and "
        "in which direction is rounded",
    )


async def _refused(
    answer: Any, bench: Bench, scenario: tuple[float, ...], expected: str, look: str
) -> None:
    await bench.must_raise(
        _call(scenario),
        lambda: answer(**_named(scenario)),
        ValueError,
        expected=expected,
        look=look,
    )


async def _under_load(size: int, bench: Bench) -> dict[str, Any]:
    """Send the first scenario's load to a pool of that size for half a second."""
    rate, seconds = int(FITS[0][0]), FITS[0][1]
    waits: list[float] = []

    async def request(delay: float) -> None:
        await asyncio.sleep(delay)
        asked = time.monotonic()
        async with pool.acquire() as conn:  # The whole check has a limit.
            waits.append(time.monotonic() - asked)
            await conn.execute(f"SELECT pg_sleep({seconds})")

    bench.stage("half a second of that load on a pool of that size")
    async with bench.pool(size) as pool:
        await asyncio.gather(*(request(number / rate) for number in range(rate // 2)))
    return {
        "size for 100 requests/s of 30 ms": size,
        "longest wait for a connection under that load": f"{max(waits) * 1000:.0f} ms",
    }
