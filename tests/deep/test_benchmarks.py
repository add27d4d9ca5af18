"""The benchmarks run and print their tables; what they measure is for people to read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import temporary_home

ROOT = Path(__file__).resolve().parents[2]
RATIO = r"{}: [\d.,]+ \(95 % interval [\d.,]+ to [\d.,]+, 1 rounds"


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[None]:
    """A home of its own for the servers of the benchmarks."""
    with temporary_home():
        yield


def said_by(name: str, *options: str) -> str:
    """What a benchmark prints, with little to do. Missing an aim in so little is no failure."""
    return outcome_of(f"benchmarks/{name}.py", *options).stdout


def outcome_of(*command: str) -> subprocess.CompletedProcess[str]:
    """What a benchmark prints, and whether its aim was missed: exit code 1, or 0."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_against_pgbench() -> None:
    said = said_by("against_pgbench", "--rounds", "1", "--clients", "2")
    for name in ("asyncpg, held", "asyncpg, pool", "asyncpg, connecting", "pgbench, held"):
        assert re.search(rf"^  {name}.* [\d.,]+ \([\d.,]+ to [\d.,]+\)$", said, re.MULTILINE), said
    for ratio in ("asyncpg held / pgbench held", "asyncpg connecting / pgbench --connect"):
        assert re.search(RATIO.format(ratio), said), said
    # A held connection beats a new one for each query, for both programs.
    assert float(re.findall(r"pgbench held / pgbench --connect: ([\d.]+)", said)[0]) > 1
    assert float(re.findall(r"headline\): ([\d.]+)", said)[0]) > 1


def test_harness_cost() -> None:
    said = said_by("harness_cost", "--rounds", "1", "--seconds", "0.2")
    assert re.search(RATIO.format("the lab / by hand"), said), said
    kept = re.search(r"in the result +([\d.]+) bytes", said)
    assert kept is not None, said
    # Eight bytes a request; the rest is what any run needs, whatever it records.
    assert 8 <= float(kept[1]) < 24


def test_processes() -> None:
    said = said_by("processes", "--rounds", "1", "--clients", "2", "--processes", "2")
    assert re.search(RATIO.format("the lab, 2 processes / pgbench"), said), said
    assert re.search(r"each process took in the last round: \d+%, \d+%", said), said


OVERHEAD = ("benchmarks/pool_overhead.py", "--rounds", "10", "--requests", "5")
SLOWER = """
import asyncio, runpy, sys
from labsupport.pooling import DatabasePool

lend = DatabasePool._lend

async def late(pool, timeout):
    await asyncio.sleep(0.002)
    return await lend(pool, timeout)

DatabasePool._lend = late
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_pool_overhead() -> None:
    done = outcome_of(*OVERHEAD)
    said = done.stdout
    assert re.search(
        r"^Overhead: [\d.-]+ us of \d+ us, [\d.-]+% \(limit 5%\)$", said, re.MULTILINE
    ), said
    assert re.search(r"^Elapsed: .* [\d.]+ to [\d.]+ \(limit 1\.05\)$", said, re.MULTILINE), said
    assert said.endswith(("Within the limit.\n", "Above the limit.\n")[done.returncode])


def test_pool_overhead_that_is_a_wait_and_no_work_is_seen() -> None:
    done = outcome_of("-c", SLOWER, *OVERHEAD)
    assert done.returncode == 1, done.stdout
    low = re.search(r"95 % interval of the ratio ([\d.]+)", done.stdout)
    assert low is not None and float(low[1]) > 1.05
