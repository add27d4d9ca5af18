"""What the live view takes from the load that it shows, measured in turns on a running server.

    python benchmarks/live_view_cost.py

Ten clients ask SELECT 1 through a pool of ten, in a Jupyter kernel, where the view really sends
its frames. In each round every arm has a short turn, in a random order; the throughput is compared
within the round. Two of the arms are the same load alone: their ratio shows the noise. Without
the load, the CPU time of one frame is measured as well. The browser that draws is not counted; to
count it, run the last lines of `in_a_kernel` in a notebook. Exit code 1 when the view takes
certainly more than the limit.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
from jupyter_client.manager import run_kernel

from labsupport.measuring import ClosedLoop, live, measure, quiet, sessions_of
from labsupport.measuring.arithmetic import median_interval
from labsupport.pooling import DatabasePool
from labsupport.postgres import find_server

LIMIT = 0.02
"""The part of the load's throughput that the view may take."""
ALONE = "the load alone"
VERDICT = "The live view takes"

Arms = dict[str, Callable[[], AbstractAsyncContextManager[Any]]]


async def in_turns(arms: Arms, request: Any, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return requests per second of each arm, for each round."""
    load = ClosedLoop(clients=10, seconds=seconds, warmup=0, slice_seconds=seconds)
    rates: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name in random.sample(list(arms), len(arms)):
            async with arms[name]():
                result = await measure(request, load, progress=quiet())
            rates[name].append(result.throughput)
    return rates


async def cost_of_a_frame(pool: DatabasePool) -> float:
    """Return the milliseconds of CPU time of one sample and its frame, all threads together.

    Frames follow each other closely, as they do behind a load: a core that sleeps in between
    wakes slowly, and that would be counted too.
    """
    async with live(pool.get_pool_stats, every=0.0005) as view:
        began = time.process_time()
        await asyncio.sleep(1.0)
        took = time.process_time() - began
        frames = len(view.line.seconds)
    return took / frames * 1000


async def main(rounds: int, seconds: float) -> None:
    """Measure and print; to be awaited in a kernel."""
    server = await find_server(print)
    where = server.arguments()
    address = {name: where[name] for name in ("host", "port", "user", "password", "database")}
    watcher = await asyncpg.connect(**where)
    async with DatabasePool() as pool:
        await pool.initialize(**address, min_size=10, max_size=10)

        async def request() -> None:
            async with pool.acquire() as connection:
                await connection.fetchval("SELECT 1")

        frame = await cost_of_a_frame(pool)
        share = f"ten a second: {frame:.1f} % of a core"
        print(f"One sample and frame: {frame:.2f} ms of CPU time; {share}")
        arms: Arms = {
            ALONE: nullcontext,
            "the load alone, again": nullcontext,
            "with the live view": lambda: live(pool.get_pool_stats),
            "with it and the server's sessions": lambda: live(
                pool.get_pool_stats, sessions=sessions_of(watcher)
            ),
        }
        rates = await in_turns(arms, request, rounds, seconds)
    await watcher.close(timeout=10)
    high = 1.0
    for name, seen in rates.items():
        ratios = [one / base for one, base in zip(seen, rates[ALONE], strict=True)]
        low, high = median_interval(ratios, seed=1)
        print(
            f"{name:35} {median(seen):8,.0f} requests/s; ratio {median(ratios):.3f} "
            f"({low:.3f} to {high:.3f}, {rounds} rounds)"
        )
    verdict = "more than" if high < 1 - LIMIT else "not certainly more than"
    print(f"{VERDICT} {verdict} {LIMIT:.0%} of the throughput.")


def in_a_kernel(rounds: int, seconds: float) -> int:
    """Run `main` in a kernel of its own, pass on what it prints, return the exit code."""
    printed: list[str] = []

    def pass_on(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])
            print(printed[-1], end="", flush=True)
        elif message["msg_type"] == "error":
            print("\n".join(message["content"]["traceback"]), file=sys.stderr)

    limit = rounds * (seconds + 1) * 4 + 120
    with run_kernel(kernel_name="python3") as kernel:
        client: Any = kernel
        client.execute_interactive(
            f"import runpy\n"
            f"benchmark = runpy.run_path({str(Path(__file__).resolve())!r})\n"
            f"await benchmark['main']({rounds}, {seconds})",
            timeout=limit,
            output_hook=pass_on,
        )
    said = "".join(printed)
    return 0 if f"{VERDICT} not certainly" in said else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=0.5)
    arguments = parser.parse_args()
    sys.exit(in_a_kernel(arguments.rounds, arguments.seconds))
