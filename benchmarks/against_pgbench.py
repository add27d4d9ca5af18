"""asyncpg and pgbench on the same query in the same turns, and why their figures differ.

    python benchmarks/against_pgbench.py

pgbench comes with PostgreSQL and is written in C. It has no pool: a client either holds a
connection all the time or, with --connect, opens one for each query. So like is compared with
like: a held connection with a held one, connecting each time with connecting each time. The
server is a throwaway one of its own, on this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from pgbench import PgBench, pgbench
from turns import Turn, in_turns, show_ratio, show_values

from labsupport.measuring import (
    ClosedLoop,
    Request,
    connect_each_time,
    hold_connections,
    machine_lock,
    measure,
    on_held,
    open_pool,
    quiet,
    through_pool,
)
from labsupport.postgres import ConnectionArguments, own_server

HELD = "asyncpg, held connections"
POOLED = "asyncpg, pool"
UNPOOLED = "asyncpg, connecting each time"
BENCH = "pgbench, held connections"
BENCH_CONNECT = "pgbench --connect"


@asynccontextmanager
async def asyncpg_requests(
    where: ConnectionArguments, clients: int, query: str
) -> AsyncIterator[dict[str, Request]]:
    """The three ways to run the query with asyncpg, each with `clients` connections at most."""
    async with hold_connections(clients, **where) as held, open_pool(clients, **where) as pool:
        yield {
            HELD: on_held(held, query),
            POOLED: through_pool(pool, query),
            UNPOOLED: connect_each_time(query, **where),
        }


def asyncpg_turn(request: Request, clients: int, cpu: list[float]) -> Turn:
    """A turn of one second; the share of a core that Python used goes to `cpu`."""
    load = ClosedLoop(clients=clients, seconds=1, warmup=0.1)

    async def turn() -> float:
        result = await measure(request, load, progress=quiet())
        if result.errors:
            raise RuntimeError(f"Requests failed: {dict(result.errors)}")
        cpu.append(result.client_cpu)
        return result.throughput

    return turn


def pgbench_turn(bench: PgBench, clients: int, connect_each_time: bool) -> Turn:
    """A turn of one second; a thread for each client that connects, because connecting blocks."""
    threads = clients if connect_each_time else min(clients, os.cpu_count() or 1)

    async def turn() -> float:
        async with machine_lock():
            return await bench.rate(clients, threads, connect_each_time=connect_each_time)

    return turn


def report(seen: dict[str, list[float]], cpu: dict[str, list[float]]) -> None:
    """Print the rates, and each ratio with its reason."""
    show_values(seen, "Queries answered per second")
    full = sorted(cpu[HELD])[len(cpu[HELD]) // 2]
    print("\nRatios per round")
    show_ratio(
        "asyncpg held / pgbench held", seen[HELD], seen[BENCH],
        f"The same messages on the same kind of connection. Python used {full:.0%} of one core; "
        "what is missing to 1 is the price of a client in Python on one thread, and says nothing "
        "about the database.",
    )  # fmt: skip
    show_ratio(
        "asyncpg connecting / pgbench --connect", seen[UNPOOLED], seen[BENCH_CONNECT],
        "Here the server's work is most of it: a new process for each connection, its start-up "
        "and the password check. The language of the client matters little.",
    )  # fmt: skip
    show_ratio(
        "asyncpg pool / asyncpg held", seen[POOLED], seen[HELD],
        "A release resets the session, which is a second round trip, so that a cheap query can "
        "reach about half; the rest is the pool's own work in Python.",
    )  # fmt: skip
    show_ratio(
        "asyncpg pool / asyncpg connecting (the lab's headline)", seen[POOLED], seen[UNPOOLED],
        "What a Python program gains by a pool.",
    )  # fmt: skip
    show_ratio(
        "pgbench held / pgbench --connect", seen[BENCH], seen[BENCH_CONNECT],
        "What a program gains that never resets and whose client costs nearly nothing. It is no "
        "pool's gain: do not expect it of one.",
    )  # fmt: skip


async def main(rounds: int, clients: int, query: str) -> int:
    """Measure and print."""
    cpu: dict[str, list[float]] = {HELD: [], POOLED: [], UNPOOLED: []}
    async with (
        own_server(max_connections=4 * clients + 20) as own,
        asyncpg_requests(own.arguments(), clients, query) as requests,
    ):
        with pgbench(own.server, query) as bench:
            arms = {
                name: asyncpg_turn(request, clients, cpu[name])
                for name, request in requests.items()
            }
            arms[BENCH] = pgbench_turn(bench, clients, connect_each_time=False)
            arms[BENCH_CONNECT] = pgbench_turn(bench, clients, connect_each_time=True)
            print(f"{query}; {clients} clients, asyncpg {asyncpg.__version__}, {rounds} rounds\n")
            report(await in_turns(arms, rounds), cpu)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--query", default="SELECT 1")
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.rounds, options.clients, options.query)))
