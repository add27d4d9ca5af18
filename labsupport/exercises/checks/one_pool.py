"""Exercise 01.a: many requests over the few connections of one pool, and none left open."""

from __future__ import annotations

from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

SIZE = 3
LOOK = "part 1: where the pool is made, how often, and who closes it"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask which processes answered, let some requests be slow, and let one fail."""
    processes = await _run(answer, bench, ["SELECT pg_backend_pid()"] * 30, "30 requests")
    bench.expect(
        len(set(processes)) <= SIZE,
        f"{len(set(processes))} server processes answered 30 requests, with size={SIZE}.",
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
    peak = await _at_once(answer, bench)
    await _no_batches(answer, bench)
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
    return {"server processes behind 30 requests": len(set(processes)), "most at work": peak}


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


async def _no_batches(answer: Any, bench: Bench) -> None:
    """Let the first request be slow; the others have the other connections meanwhile."""
    what = f"1 slow and {2 * SIZE} quick requests"
    ended = "SELECT clock_timestamp()"
    requests = [f"{ended} FROM pg_sleep(1)"] + [ended] * 2 * SIZE
    slow, *quick = await _run(answer, bench, requests, what)
    late = sum(time > slow for time in quick)
    bench.expect(
        late == 0,
        f"of {what}, {late} quick ones were only sent when the slow one had been answered, with "
        f"size={SIZE}.",
        "that a request takes any connection that is free.",
        "what a request waits for: a connection, or other requests",
    )


async def _at_once(answer: Any, bench: Bench) -> int:
    what = f"{2 * SIZE} slow requests"
    async with bench.watching() as peak:
        await _run(answer, bench, ["SELECT 1 FROM pg_sleep(0.4)"] * 2 * SIZE, what)
    bench.expect(
        peak["sessions"] <= SIZE,
        f"{peak['sessions']} sessions were open during {what}, with size={SIZE}.",
        f"never more than {SIZE}.",
        "whether `size` reaches the pool",
    )
    bench.expect(
        peak["active"] == SIZE,
        f"of {what}, {peak['active']} were at work at the same time at most, with size={SIZE}.",
        f"{SIZE}, one on each connection.",
        "whether a request is only sent when the one before is answered",
    )
    return peak["active"]
