"""Exercise 01.b: what more clients get from the same connections, foretold and then measured."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

CASES = (
    (10, 10, 20),
    (1, 10, 20),
    (3, 12, 50),
    (100, 10, 20),
    (11, 10, 8),
    (12, 3, 50),
    (7, 1, 0.5),
)
"""Clients, connections, milliseconds of one use."""
MEASURED = (12, 3, 50)


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask for some cases, then run one of them for half a second."""
    for case in CASES:
        rate, milliseconds = await _ask(answer, bench, case)
        _rate_is_right(bench, case, rate)
        _time_is_right(bench, case, milliseconds)
    rate, milliseconds = await _ask(answer, bench, MEASURED)
    seen = await _measure(bench, *MEASURED)
    return {
        "12 clients on 3 connections, 50 ms each, foretold": f"{rate:.0f}/s, {milliseconds:.0f} ms",
        "and measured": f"{seen[0]:.0f}/s, {seen[1]:.0f} ms",
    }


def _call(case: tuple[float, ...]) -> str:
    return "foretell(clients={}, connections={}, hold_ms={})".format(*case)


async def _ask(answer: Any, bench: Bench, case: tuple[float, ...]) -> tuple[float, float]:
    said = await bench.run(_call(case), lambda: answer(*case), look="the arithmetic")
    is_pair = isinstance(said, (tuple, list)) and len(said) == 2
    bench.expect(
        is_pair and all(isinstance(part, (int, float)) for part in said),
        f"{_call(case)} returned {said!r}.",
        "two numbers: requests per second, and milliseconds of one request.",
        "what the function returns, and in which order",
    )
    return said[0], said[1]


def _rate_is_right(bench: Bench, case: tuple[float, ...], rate: float) -> None:
    clients, connections, hold_ms = case
    right = min(clients, connections) * 1000 / hold_ms
    bench.expect(
        math.isclose(rate, right, rel_tol=0.001),
        f"{_call(case)} foretold {rate:g} requests per second, which is too "
        f"{'many' if rate > right else 'few'}: one connection that is always busy answers "
        f"{1000 / hold_ms:g} of these per second.",
        "as many as all the connections that are busy answer together.",
        "how many connections can be busy at the same time, with as many clients and connections "
        "as in this call, and the unit of the time",
    )


def _time_is_right(bench: Bench, case: tuple[float, ...], milliseconds: float) -> None:
    clients, connections, hold_ms = case
    right = hold_ms * max(1, clients / connections)
    bench.expect(
        math.isclose(milliseconds, right, rel_tol=0.001),
        f"{_call(case)} foretold {milliseconds:g} ms for one request, which is too "
        f"{'long' if milliseconds > right else 'short'}.",
        "the time from asking to the answer, with the wait for a connection, on average: each "
        "client sends its next request as soon as it has the answer.",
        "part 3: what grows when more clients share the same connections, and how often a client's "
        "turn comes when so many requests per second are shared by all clients",
    )


async def _measure(bench: Bench, clients: int, connections: int, hold_ms: int) -> tuple[float, ...]:
    """Run that closed loop; return requests per second and the mean time of one in ms."""
    times: list[float] = []

    async def client() -> None:
        while True:
            asked = time.perf_counter()
            async with pool.acquire() as conn:  # The whole check has a limit.
                await conn.execute(f"SELECT pg_sleep({hold_ms / 1000})")
            times.append(time.perf_counter() - asked)
            if time.perf_counter() > end:
                return

    bench.stage("half a second with twelve clients")
    async with bench.pool(connections) as pool:
        began = time.perf_counter()
        end = began + 0.5
        await asyncio.gather(*(client() for _ in range(clients)))
        seconds = time.perf_counter() - began
    return len(times) / seconds, sum(times) / len(times) * 1000
