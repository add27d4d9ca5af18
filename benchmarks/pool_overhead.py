"""What DatabasePool costs over a bare asyncpg.Pool, measured in turns on a running server.

    python benchmarks/pool_overhead.py

A request acquires a connection with a timeout, runs SELECT 1 and releases it. In each round the
two pools have their turn in a random order, with short turns, so that what else happens on the
machine hits both; their times are compared within the round. Two things are judged, and the exit
code is 1 when either is above the limit:

- The CPU time that acquire and release take more, without round trips (the reset does nothing), as
  a part of a whole request. It shows the few microseconds of Python, also while other programs run.
  The whole request is the bare pool's elapsed time in the fastest tenth of the rounds, because a
  busy machine makes the other rounds longer and would make the limit milder.
- The elapsed time of whole requests, ours over the bare pool's, which would show an added wait or
  round trip too. It swings more, so it counts as too long when the whole 95 % interval of the
  median ratio is above the limit.

tests/pooling/test_overhead.py shows on any machine that nothing is waited for besides.
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

from labsupport.measuring.arithmetic import median_interval
from labsupport.pooling import SESSION_SETTINGS, DatabasePool
from labsupport.postgres import find_server

LIMIT = 0.05
"""The overhead may be this part of a pooled SELECT 1, acquire and release included."""

Rounds = list[tuple[float, float]]
"""Microseconds per request of the bare pool and of ours, for each round."""
Turn = Callable[[int], Awaitable[None]]
Clock = Callable[[], int]


async def no_reset(connection: Any) -> None:
    """Clean nothing, so that a release needs no round trip."""


async def one_turn(turn: Turn, requests: int, clock: Clock) -> float:
    """Run a turn and return the microseconds of one request."""
    started = clock()
    await turn(requests)
    return (clock() - started) / requests / 1000


async def in_turns(bare: Turn, ours: Turn, rounds: int, requests: int, clock: Clock) -> Rounds:
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


def show(what: str, results: Rounds) -> None:
    """Print one measurement."""
    low, middle, high = quantiles((b - a for a, b in results), n=4)
    ratio_low, ratio, ratio_high = quantiles((b / a for a, b in results), n=4)
    print(f"{what}, {len(results)} rounds")
    print(f"  asyncpg.Pool     {median(a for a, _ in results):8.2f} us per request (median)")
    print(f"  DatabasePool     {median(b for _, b in results):8.2f} us")
    print(f"  difference       {middle:8.2f} us (quartiles {low:.2f} to {high:.2f})")
    print(f"  ratio per round  {ratio:8.4f} (quartiles {ratio_low:.4f} to {ratio_high:.4f})")


def judge(whole: Rounds, alone: Rounds) -> int:
    """Print what is above the limit or not, and return the exit code."""
    request = quantiles((bare for bare, _ in whole), n=10)[0]
    added = median(ours - bare for bare, ours in alone)
    low, high = median_interval([ours / bare for bare, ours in whole], seed=1)
    print(
        f"Overhead: {added:.2f} us of {request:.0f} us, {added / request:.1%} (limit {LIMIT:.0%})"
    )
    print(f"Elapsed: 95 % interval of the ratio {low:.4f} to {high:.4f} (limit {1 + LIMIT:.2f})")
    too_much = added > LIMIT * request or low > 1 + LIMIT
    print("Above the limit." if too_much else "Within the limit.")
    return int(too_much)


async def main(rounds: int, requests: int) -> int:
    """Measure, print and return the exit code."""
    server = await find_server(print)
    where = {
        name: value
        for name, value in server.arguments().items()
        if name in ("host", "port", "user", "password", "database", "ssl")
    }
    sizes = {"min_size": 1, "max_size": 10}
    measured = []
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
            measured.append(await in_turns(*turns, rounds, share, clock))
            show(what, measured[-1])
    return judge(*measured)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--requests", type=int, default=50)
    arguments = parser.parse_args()
    sys.exit(asyncio.run(main(arguments.rounds, arguments.requests)))
