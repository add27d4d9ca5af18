"""Exercise 1.4: many queries at once over few connections, each with its own outcome."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.checks._gate import Gate, closed_gate

__all__ = ["check"]

LOOK = "where each query gets its connection, and for how long it keeps it"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Give it queries that are slow, that fail, that are many, and that are called off."""
    async with bench.pool(3) as pool:
        await _results(answer, pool, bench)
        await _failures(answer, pool, bench)
        await _lost_connection(answer, bench)
        peak = await _at_once(answer, bench)
        await _many(answer, pool, bench)
        await _called_off(answer, pool, bench)
        await bench.all_returned(pool, "all calls", LOOK)
    return {"most queries at work at once, with max_size=3": peak}


async def _run(
    answer: Any, pool: Any, bench: Bench, queries: list[str], what: str, look: str = LOOK
) -> list[Any]:
    found = await bench.run(f"run_all with {what}", lambda: answer(pool, queries), look=look)
    bench.expect(
        not pool.is_closing(), "run_all closed the pool.", "that it stays open.", "async with pool"
    )
    bench.expect(
        isinstance(found, (list, tuple)) and len(found) == len(queries),
        f"run_all with {what} returned {str(found)[:120]}.",
        f"a list of {len(queries)} results, one for each query.",
        f"what run_all returns, and {look}",
    )
    return list(found)


async def _results(answer: Any, pool: Any, bench: Bench) -> None:
    queries = ["SELECT 1 FROM pg_sleep(0.3)", "SELECT 2", "SELECT 3 FROM pg_sleep(0.1)"]
    found = await _run(answer, pool, bench, queries, "three queries of which the first is slow")
    bench.expect(
        not any(isinstance(result, asyncpg.InterfaceError) for result in found),
        f"three queries gave {found!r}.",
        "that each query has a connection of its own while it runs.",
        "whether queries share one connection",
    )
    bench.expect(
        found == [1, 2, 3],
        f"three queries of which the first is slow gave {found!r}.",
        "the first value of each, in the order of the queries.",
        "in which order results are gathered, and which part of a row is returned",
    )
    queries = ["SELECT 1", "SELECT 2 WHERE false", "SELECT 1"]
    look = "what becomes of queries that have the same text"
    found = await _run(answer, pool, bench, queries, "the same text twice", look)
    bench.expect(
        found == [1, None, 1],
        f"'SELECT 1', 'SELECT 2 WHERE false' and 'SELECT 1' gave {found!r}.",
        "1, None because there is no row, and 1.",
        "what the value of a query without rows is",
    )
    found = await _run(answer, pool, bench, ["SELECT random()"] * 2, "the same text twice", look)
    bench.expect(
        found[0] != found[1],
        f"'SELECT random()' twice gave {found!r}.",
        "two numbers: each query of the list is run, also one whose text was there before.",
        look,
    )
    await _run(answer, pool, bench, [], "an empty list", "what is done when there is no query")


async def _failures(answer: Any, pool: Any, bench: Bench) -> None:
    queries = ["SELECT 1", "SELECT 1 / 0", "SELECT 3"]
    look = "what becomes of a query's exception, and of the queries beside it"
    found = await _run(answer, pool, bench, queries, "one query among three that fails", look)
    bench.expect(
        found[0] == 1 and found[2] == 3 and isinstance(found[1], asyncpg.DivisionByZeroError),
        f"'SELECT 1', 'SELECT 1 / 0' and 'SELECT 3' gave {found!r}.",
        "the values of the two others, and the exception in the place of the one that failed.",
        look,
    )
    await bench.all_returned(pool, "a query that failed", LOOK)


async def _lost_connection(answer: Any, bench: Bench) -> None:
    """One connection, and a query that makes the server end it."""
    queries = ["SELECT 1", "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 3", "SELECT 4"]
    what = "a query whose connection the server ends"
    async with bench.pool(1) as pool:
        found = await _run(answer, pool, bench, queries, what)
        bench.expect(
            [found[0], *found[2:]] == [1, 3, 4] and isinstance(found[1], Exception),
            f"a query whose connection the server ended, and two behind it, gave {found[1:]!r}.",
            "its exception in its place, and the values of the others.",
            "whether other queries go on with a connection that has ended",
        )
        await bench.all_returned(pool, what, LOOK)


async def _at_once(answer: Any, bench: Bench) -> int:
    async with closed_gate(bench) as gate, bench.pool(3, min_size=1) as pool:
        return await _let_go(answer, pool, bench, gate)


async def _let_go(answer: Any, pool: Any, bench: Bench, gate: Gate) -> int:
    waiting = [gate.waiting(1), gate.waiting(2, "one"), gate.waiting(2, "another")]
    what = "three queries that wait and six quick ones"
    task = asyncio.create_task(_run(answer, pool, bench, waiting + gate.quick(6), what))
    most = await gate.most_at_work(3)
    bench.expect(
        most == 3,
        f"of {what}, never more than {most} were at work at the same time, over a pool with "
        "min_size=1 and max_size=3.",
        "3: as many as the pool may have connections, and never more.",
        "whether queries are started one after the other, and what limits how many are",
    )
    await gate.let_go(2)
    done = await gate.quick_done(6)
    bench.expect(
        done == 6,
        f"{done} of six quick queries were done while a slow one was still at work.",
        "6, because each connection takes the next query as soon as it is free.",
        "whether a batch waits for its slowest query",
    )
    await gate.let_go(1)
    # The first was let go when the others had long been answered: it cannot have been first.
    found = await task
    bench.expect(
        found[:3] == [1, 2, 2],
        f"three queries of which the first was the slowest gave {found[:3]!r}.",
        "the first value of each, in the order of the queries.",
        "in which order results are gathered",
    )
    return most


async def _many(answer: Any, pool: Any, bench: Bench) -> None:
    queries = [f"SELECT {number}" for number in range(100)]
    found = await _run(answer, pool, bench, queries, "100 queries")
    bench.expect(
        found == list(range(100)),
        f"100 queries gave {str(found)[:120]}.",
        "the 100 values in their order.",
        "what happens when there are more queries than connections",
    )


async def _called_off(answer: Any, pool: Any, bench: Bench) -> None:
    look = "which tasks still run when run_all itself is cancelled"
    task = asyncio.ensure_future(answer(pool, ["SELECT pg_sleep(6)"] * 6))
    await asyncio.sleep(0.3)
    await bench.must_be_cancelled("run_all", task, look)
    still = 0
    for _ in range(30):
        still = sum(session.state == "active" for session in await bench.sessions())
        if not still:
            break
        await asyncio.sleep(0.05)
    bench.expect(
        still == 0,
        f"{still} queries were still at work 1.5 s after run_all was cancelled.",
        "that nothing goes on behind the back of whoever cancelled it.",
        look,
    )
