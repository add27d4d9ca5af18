"""Exercise 02.b: one query on each connection that is open, although idle ones are a stack."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.checks._gate import closed_gate
from labsupport.exercises.checks._pools import database_pool
from labsupport.pooling import DatabasePool

__all__ = ["check"]

OPEN = 4
LOOK = (
    "part 3: which connection is lent next, what keeps one from being lent twice, and how many "
    "are open now"
)


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Let a pool of 2 to 6 grow to 4, and ask which processes the query met."""
    async with database_pool(bench, 2, max_size=6) as pool:
        await _grow(pool)
        before = {session.pid for session in await bench.sessions()}
        met = await _each(answer, pool, bench)
        after = {session.pid for session in await bench.sessions()}
        bench.expect(
            after == before,
            f"{len(after)} sessions were open afterwards, {len(after - before)} of them new; "
            f"before it were {len(before)}.",
            "that no connection is opened or closed for it.",
            "how many connections are open now, and how many there might be",
        )
        await bench.all_returned(pool.pool, "on_every_connection", "when each is given back")
        await bench.must_raise(
            "on_every_connection(pool, 'SELECT 1 / 0')",
            lambda: answer(pool, "SELECT 1 / 0"),
            (asyncpg.DivisionByZeroError, ExceptionGroup),
            expected="that the caller sees asyncpg.DivisionByZeroError.",
            look="what becomes of an exception of the query",
        )
        look = "which connections are given back when the query fails on one of them"
        await bench.all_returned(pool.pool, "a query that failed", look)
        await _one_fails(answer, pool, bench, min(met))
    return {"connections that the query met": f"{len(met)} of {OPEN}"}


async def _one_fails(answer: Any, pool: DatabasePool, bench: Bench, pid: int) -> None:
    """Let the query fail on one connection while it waits on the others."""
    here = f"pg_backend_pid() - {pid}"
    key = f"CASE {here} WHEN 0 THEN 3 ELSE 1 END"
    query = f"SELECT 1 / ({here}) FROM pg_advisory_xact_lock_shared({key})"
    look = "who waits for the other queries when one has failed"

    async def call() -> Any:
        return await answer(pool, query)

    async with closed_gate(bench) as gate:
        task = asyncio.create_task(call())
        await asyncio.wait({task}, timeout=1)
        # Who asks one connection after the other only meets the failure when the gate is open.
        raised_early = task.done()
        if not raised_early:
            await gate.let_go(1)
        await bench.must_raise(
            "on_every_connection with a query that fails on one connection only",
            lambda: task,
            (asyncpg.DivisionByZeroError, ExceptionGroup),
            expected="that the caller sees asyncpg.DivisionByZeroError.",
            look=look,
        )
        after = "a query that failed on one connection and was slow on the others"
        await bench.all_returned(pool.pool, after, look, limit=1.5 if raised_early else 0)


async def _grow(pool: DatabasePool) -> None:
    borrowed = [await pool.acquire(timeout=3) for _ in range(OPEN)]
    for conn in borrowed:
        await pool.release(conn)


async def _each(answer: Any, pool: DatabasePool, bench: Bench) -> set[int]:
    found = await bench.run(
        f"on_every_connection with {OPEN} connections open",
        lambda: answer(pool, "SELECT pg_backend_pid()"),
        look=LOOK,
    )
    bench.expect(
        isinstance(found, (list, tuple)) and all(isinstance(value, int) for value in found),
        f"on_every_connection(pool, 'SELECT pg_backend_pid()') returned {str(found)[:120]}.",
        "a list of values, one for each connection.",
        "what is returned, and which part of a row it is",
    )
    bench.expect(
        len(set(found)) == len(found) == OPEN,
        f"the query ran {len(found)} times, on {len(set(found))} different connections; "
        f"{OPEN} were open.",
        "once on each connection that is open.",
        LOOK,
    )
    return set(found)
