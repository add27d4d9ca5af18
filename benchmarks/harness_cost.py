"""What the measuring itself costs: time for each recorded request, memory, and throughput lost.

    python benchmarks/harness_cost.py

First a closed loop around a request that does nothing, against the same loop written by hand.
Then the lab's pooled run of SELECT 1 against a minimal asyncpg loop, in turns, on a throwaway
server. Then the memory that a recorded request takes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import tracemalloc
from array import array
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from turns import Turn, in_turns, show_ratio, show_values

from labsupport.measuring import (
    ClosedLoop,
    Request,
    machine_lock,
    measure,
    open_pool,
    quiet,
    through_pool,
)
from labsupport.postgres import own_server

LAB = "the lab"
BY_HAND = "by hand"
SAME = "the lab's request, by hand"
AIM = 0.97


async def nothing() -> None:
    """A request that does nothing."""


async def by_hand(request: Callable[[], Awaitable[object]], clients: int, seconds: float) -> float:
    """The smallest closed loop that keeps its latencies; returns requests per second."""
    latencies = array("q")
    start = time.perf_counter_ns()
    deadline = start + round(seconds * 1e9)

    async def client() -> None:
        while (began := time.perf_counter_ns()) < deadline:
            await request()
            latencies.append(time.perf_counter_ns() - began)

    await asyncio.gather(*(client() for _ in range(clients)))
    return len(latencies) / (time.perf_counter_ns() - start) * 1e9


def turn_by_hand(request: Callable[[], Awaitable[object]], clients: int, seconds: float) -> Turn:
    """A turn of the loop above."""

    async def turn() -> float:
        async with machine_lock():
            return await by_hand(request, clients, seconds)

    return turn


def turn_of_the_lab(request: Request, clients: int, seconds: float) -> Turn:
    """A turn of the lab's closed loop, in one slice."""
    load = ClosedLoop(clients=clients, seconds=seconds, slice_seconds=seconds, warmup=0.0)

    async def turn() -> float:
        return (await measure(request, load, progress=quiet())).throughput

    return turn


async def loop_around_nothing(rounds: int, seconds: float) -> None:
    """Nanoseconds that a recorded request takes when it does nothing."""
    seen = await in_turns(
        {
            LAB: turn_of_the_lab(nothing, 1, seconds),
            BY_HAND: turn_by_hand(nothing, 1, seconds),
        },
        rounds,
    )
    cost = {name: [1e9 / rate for rate in rates] for name, rates in seen.items()}
    show_values(cost, "A request that does nothing, ns for each")
    difference = sorted(a - b for a, b in zip(cost[LAB], cost[BY_HAND], strict=True))
    print(f"  difference in the middle round: {difference[len(difference) // 2]:,.0f} ns\n")


async def pooled(rounds: int, seconds: float, clients: int) -> float:
    """The lab's pooled run against minimal loops; returns the ratio to the hand-written one."""
    query = "SELECT 1"
    async with own_server() as own, open_pool(clients, **own.arguments()) as pool:

        async def minimal() -> Any:
            async with pool.acquire() as connection:
                return await connection.fetch(query)

        request = through_pool(pool, query)
        await by_hand(minimal, clients, 0.5)
        seen = await in_turns(
            {
                LAB: turn_of_the_lab(request, clients, seconds),
                SAME: turn_by_hand(request, clients, seconds),
                BY_HAND: turn_by_hand(minimal, clients, seconds),
            },
            rounds,
        )
    show_values(seen, f"{query} through a pool of {clients}, {clients} clients, requests a second")
    show_ratio(
        "the lab / its request by hand", seen[LAB], seen[SAME],
        "What the loop costs: it counts errors, keeps parts and watches itself.",
    )  # fmt: skip
    ratio = show_ratio(
        "the lab / by hand", seen[LAB], seen[BY_HAND],
        "Also what the ready-made request costs: a limit for each wait, and its parts.",
        aim=f"aim {AIM} or more",
    )  # fmt: skip
    print()
    return ratio


async def memory(seconds: float) -> None:
    """Bytes that a recorded request takes: while it runs, and in the result."""
    load = ClosedLoop(clients=1, seconds=seconds, slice_seconds=seconds, warmup=0.0)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    result = await measure(nothing, load, progress=quiet())
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"Memory, {result.requests:,} requests without parts")
    print(f"  in the result    {(kept - before) / result.requests:6.1f} bytes for each")
    print(f"  at most          {(most - before) / result.requests:6.1f} bytes for each")


async def main(rounds: int, seconds: float, clients: int) -> int:
    """Measure and print; returns 1 when the aim was missed."""
    print(f"asyncpg {asyncpg.__version__}, {rounds} rounds of {seconds:g} s for each arm\n")
    await loop_around_nothing(rounds, seconds)
    ratio = await pooled(rounds, seconds, clients)
    await memory(2 * seconds)
    return 0 if ratio >= AIM else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--clients", type=int, default=10)
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.rounds, options.seconds, options.clients)))
