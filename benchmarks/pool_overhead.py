"""What DatabasePool costs over a bare asyncpg.Pool, measured in turns on a running server.

    python benchmarks/pool_overhead.py

A request acquires a connection with a timeout, runs SELECT 1 and releases it. In each round the
two pools have their turn in a random order, with short turns, so that what else happens on the
machine hits both; their times are compared within the round. The same is then measured without
the round trips (acquire and release with a reset that does nothing) and in CPU time, which shows
the few microseconds of Python alone, also while other programs run. Those, as a part of a request
with its round trips in a quiet round, are the overhead that decides: exit code 1 when it is above
the limit. The ratio of the whole requests is printed beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import sys
import time
from collections.abc import Awaitable, Callable
from statistics import median, quantiles
from typing import Any

import asyncpg

from labsupport.pooling import SESSION_SETTINGS, DatabasePool
from labsupport.postgres import find_server

LIMIT = 0.05
"""The overhead may be this part of a pooled SELECT 1, acquire and release included."""

Turn = Callable[[int], Awaitable[None]]
Clock = Callable[[], int]


async def no_reset(connection: Any) -> None:
    """Clean nothing, so that a release needs no round trip."""


async def one_turn(turn: Turn, requests: int, clock: Clock) -> float:
    """Run a turn and return the microseconds of one request."""
    started = clock()
    await turn(requests)
    return (clock() - started) / requests / 1000


async def in_turns(
    bare: Turn, ours: Turn, rounds: int, requests: int, clock: Clock
) -> list[tuple[float, float]]:
    """Return microseconds per request of both, for each round."""
    await bare(requests)
    await ours(requests)
    results = []
    for _ in range(rounds):
        order = random.sample([0, 1], 2)
        seen = {which: await one_turn((bare, ours)[which], requests, clock) for which in order}
        results.append((seen[0], seen[1]))
    return results


def turns_of(bare: Any, ours: DatabasePool, timeout: float, query: bool) -> tuple[Turn, Turn]:
    """Return a turn with the bare pool and one with ours, alike but for the pool."""

    async def with_bare(requests: int) -> None:
        for _ in range(requests):
            async with bare.acquire(timeout=timeout) as connection:
                if query:
                    await connection.fetchval("SELECT 1")

    async def with_ours(requests: int) -> None:
        for _ in range(requests):
            async with ours.acquire(timeout=timeout) as connection:
                if query:
                    await connection.fetchval("SELECT 1")

    return with_bare, with_ours


def show(what: str, results: list[tuple[float, float]]) -> tuple[float, float]:
    """Print one measurement; return the bare pool's lower quartile and the median difference."""
    low, middle, high = quantiles((b - a for a, b in results), n=4)
    ratio_low, ratio, ratio_high = quantiles((b / a for a, b in results), n=4)
    print(f"{what}, {len(results)} rounds")
    print(f"  asyncpg.Pool     {median(a for a, _ in results):8.2f} us per request (median)")
    print(f"  DatabasePool     {median(b for _, b in results):8.2f} us")
    print(f"  difference       {middle:8.2f} us (quartiles {low:.2f} to {high:.2f})")
    print(f"  ratio per round  {ratio:8.4f} (quartiles {ratio_low:.4f} to {ratio_high:.4f})")
    return quantiles((a for a, _ in results), n=4)[0], middle


async def main(rounds: int, requests: int) -> int:
    """Measure, print and return the exit code."""
    server = await find_server(print)
    where = {
        name: value
        for name, value in server.arguments().items()
        if name in ("host", "port", "user", "password", "database", "ssl")
    }
    sizes = {"min_size": 1, "max_size": 10}
    shown = []
    for what, query, options, clock in (
        ("acquire + SELECT 1 + release, elapsed", True, {}, time.perf_counter_ns),
        ("acquire + release, no reset, CPU", False, {"reset": no_reset}, time.thread_time_ns),
    ):
        alike = {**where, **sizes, "command_timeout": 60.0, **options}
        bare_pool = asyncpg.create_pool(**alike, server_settings=dict(SESSION_SETTINGS))
        async with bare_pool as bare, DatabasePool() as ours:
            await ours.initialize(**alike)
            turns = turns_of(bare, ours, timeout=10.0, query=query)
            gc.collect()
            share = requests if query else requests * 5
            shown.append(show(what, await in_turns(*turns, rounds, share, clock)))
    (request, _), (_, added) = shown
    print(
        f"Overhead: {added:.2f} us of {request:.0f} us, {added / request:.1%} (limit {LIMIT:.0%})"
    )
    return 0 if added <= LIMIT * request else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--requests", type=int, default=50)
    arguments = parser.parse_args()
    sys.exit(asyncio.run(main(arguments.rounds, arguments.requests)))
