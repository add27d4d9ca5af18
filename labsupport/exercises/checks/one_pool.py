"""Exercise 01.a: many requests over the few connections of one pool, and none left open."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.checks._gate import Gate, closed_gate

__all__ = ["check"]

SIZE = 3
MANY = 15
"""Requests; few enough that even a pool for each of them is opened within the limit."""
LOOK = "part 1: where the pool is made, how often, and who closes it"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask which processes answered, let some requests be slow, and let one fail."""
    processes = await _run(answer, bench, ["SELECT pg_backend_pid()"] * MANY, f"{MANY} requests")
    bench.expect(
        len(set(processes)) <= SIZE,
        f"{len(set(processes))} server processes answered {MANY} requests, with size={SIZE}.",
        f"{SIZE} at most, because the requests share as many connections.",
        LOOK,
    )
    await bench.no_sessions("answer_all", "what closes the pool when all requests are answered")
    found = await _run(
        answer, bench, ["SELECT 1 FROM pg_sleep(0.2)", "SELECT 2"], "a slow and a quick request"
    )
    bench.expect(
        found == [1, 2],
        f"'SELECT 1 FROM pg_sleep(0.2)' and 'SELECT 2' gave {found!r}.",
        "the first value of each, in the order of the requests.",
        "in which order the values are gathered, and which part of a row is returned",
    )
    most = await _at_once(answer, bench)
    await bench.must_raise(
        "answer_all with a request that fails",
        lambda: answer(["SELECT 1", "SELECT 1 / 0"], SIZE, **bench.where),
        (asyncpg.DivisionByZeroError, ExceptionGroup),
        expected="that the caller sees asyncpg.DivisionByZeroError.",
        look="what becomes of a request's exception",
    )
    await bench.no_sessions(
        "a request that failed", "what closes the pool when a request raises an exception"
    )
    return {f"server processes behind {MANY} requests": len(set(processes)), "most at work": most}


async def _run(answer: Any, bench: Bench, requests: list[str], what: str) -> list[Any]:
    found = await bench.run(
        f"answer_all with {what}", lambda: answer(requests, SIZE, **bench.where), look=LOOK
    )
    bench.expect(
        isinstance(found, (list, tuple)) and len(found) == len(requests),
        f"answer_all with {what} returned {str(found)[:120]}.",
        f"a list of {len(requests)} values, one for each request.",
        "what answer_all returns",
    )
    return list(found)


async def _at_once(answer: Any, bench: Bench) -> int:
    """Keep some requests waiting at the server, and see what becomes of the others."""
    async with closed_gate(bench) as gate, bench.watching() as peak:
        most = await _let_go(answer, bench, gate)
    bench.expect(
        peak["sessions"] <= SIZE + 1,  # and the gate's own
        f"{peak['sessions'] - 1} sessions were open during many requests, with size={SIZE}.",
        f"never more than {SIZE}.",
        "whether `size` reaches the pool",
    )
    return most


async def _let_go(answer: Any, bench: Bench, gate: Gate) -> int:
    waiting = [gate.waiting(key) for key in (1, *[2] * (SIZE - 1))]
    quick = gate.quick(2 * SIZE)
    what = f"{SIZE} slow and {len(quick)} quick requests"
    task = asyncio.create_task(_run(answer, bench, waiting + quick, what))
    most = await gate.most_at_work(SIZE)
    bench.expect(
        most == SIZE,
        f"of {what}, {most} were at work at the same time at most, with size={SIZE}.",
        f"{SIZE}, one on each connection.",
        "whether a request is only sent when the one before is answered, and whether `size` "
        "reaches the pool",
    )
    await gate.let_go(2)
    done = await gate.quick_done(len(quick))
    bench.expect(
        done == len(quick),
        f"of {what}, {len(quick) - done} quick ones were not sent while one slow one was still "
        f"at work, with size={SIZE}.",
        "that a request takes any connection that is free.",
        "what a request waits for: a connection, or other requests",
    )
    await gate.let_go(1)
    # The first was let go when the others had long been answered: it cannot have been first.
    found = await task
    bench.expect(
        found[:2] == [1, 2],
        f"slow requests of which the first was the slowest gave {found[:2]!r}.",
        "the first value of each, in the order of the requests.",
        "in which order the values are gathered",
    )
    return most
