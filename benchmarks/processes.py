"""Several Python processes against pgbench: how much of what the server can do they reach.

    python benchmarks/processes.py

Everything holds its connections and runs SELECT 1: one process of the lab, several of them, and
pgbench, which is written in C. In turns, on a throwaway server of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from pgbench import pgbench
from turns import Turn, in_turns, show_ratio, show_values

from labsupport.measuring import (
    ClosedLoop,
    Request,
    hold_connections,
    machine_lock,
    measure_in_processes,
    on_held,
    quiet,
)
from labsupport.measuring.processes import Prepare
from labsupport.postgres import Server, own_server

QUERY = "SELECT 1"
AIM = 0.7


def holding(server: Server, connections: int) -> Prepare:
    """A `prepare` that opens so many connections in its process, and a request on them."""

    @asynccontextmanager
    async def prepare() -> AsyncIterator[Request]:
        async with hold_connections(connections, **server.arguments()) as held:
            yield on_held(held, QUERY)

    return prepare


def turn_in_processes(server: Server, clients: int, count: int, cpu: list[str]) -> Turn:
    """A turn of two seconds from `count` processes; the CPU that each took goes to `cpu`."""
    load = ClosedLoop(clients=clients, seconds=2, warmup=0.3)
    # Every process gets its share of the clients; the largest share is rounded up.
    prepare = holding(server, -(-clients // count))

    async def turn() -> float:
        result = await measure_in_processes(prepare, load, processes=count, progress=quiet())
        if result.errors:
            raise RuntimeError(f"Requests failed: {dict(result.errors)}")
        cpu.append(result.conditions.facts["CPU of each process"])
        return result.throughput

    return turn


async def main(rounds: int, clients: int, counts: list[int]) -> int:
    """Measure and print; returns 1 when the aim was missed."""
    names = {count: f"the lab, {count} process{'es' if count > 1 else ''}" for count in counts}
    cpu: dict[int, list[str]] = {count: [] for count in counts}
    bench_name = f"pgbench, {os.cpu_count()} threads"
    async with own_server(max_connections=4 * clients + 20) as own:
        with pgbench(own.server, QUERY) as bench:

            async def pgbench_turn() -> float:
                async with machine_lock():
                    return await bench.rate(clients, os.cpu_count() or 1, seconds=2)

            arms = {
                names[count]: turn_in_processes(own.server, clients, count, cpu[count])
                for count in counts
            }
            seen = await in_turns({**arms, bench_name: pgbench_turn}, rounds)
    print(f"{QUERY}; {clients} held connections, asyncpg {asyncpg.__version__}\n")
    show_values(seen, "Queries answered per second")
    print("\nRatios per round")
    best = 0.0
    for count in counts:
        ratio = show_ratio(
            f"{names[count]} / pgbench", seen[names[count]], seen[bench_name],
            f"CPU of one core that each process took in the last round: {cpu[count][-1]}; the rest "
            f"of the {os.cpu_count()} cores was the server's.",
            aim=f"aim {AIM} or more" if count > 1 else "",
        )  # fmt: skip
        best = max(best, ratio)
    return 0 if best >= AIM else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.rounds, options.clients, options.processes)))
