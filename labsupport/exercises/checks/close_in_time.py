"""Exercise 07.b: a pool that is closed within a limit."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.checks._locks import waiting_at_once

__all__ = ["check"]

LONG = 30.0
"""Seconds; a call with this limit that waits no longer than it has to ends long before."""
LOCK = 42
WAITS = f"SELECT 7 FROM pg_advisory_xact_lock_shared({LOCK})"
"""A query that is under way until the check lets go of its lock."""
LATER = 0.4
"""Seconds after the call of the answer when that is."""
LOOK = "round 5: what close waits for, and what is done when that never comes"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Close a pool that nobody uses, one that works, and one with a forgotten connection."""
    await _idle(answer, bench)
    await _at_work(answer, bench)
    await _forgotten(answer, bench)
    return {"pools closed": 3, "sessions left": 0}


async def _idle(answer: Any, bench: Bench) -> None:
    async with bench.pool(2) as pool:
        await _closes(answer, pool, bench, LONG, True, "a pool that nobody uses")
        bench.expect(pool.is_closing(), "the pool was open afterwards.", "that it is closed.", LOOK)


async def _at_work(answer: Any, bench: Bench) -> None:
    async with bench.pool(2) as pool:
        holder = await asyncpg.connect(**bench.where)
        await holder.execute("SELECT pg_advisory_lock($1)", LOCK)
        query = asyncio.ensure_future(pool.fetchval(WAITS))
        await waiting_at_once(bench, 1, query.done, 3)
        asyncio.get_running_loop().call_later(LATER, holder.terminate)
        what = f"a pool with a query under way that has its answer {LATER:g} s later"
        await _closes(answer, pool, bench, LONG, True, what)
        await asyncio.wait({query}, timeout=2)
        kept = query.done() and not query.cancelled() and query.exception() is None
        bench.expect(
            kept,
            "the query that was under way when the pool was closed got no answer.",
            "that what needs less than the limit gets its answer.",
            LOOK,
        )


async def _forgotten(answer: Any, bench: Bench) -> None:
    async with bench.pool(2) as pool:
        await pool.acquire(timeout=2)
        await _closes(answer, pool, bench, 0.4, False, "a pool with a forgotten connection")


async def _closes(
    answer: Any, pool: Any, bench: Bench, seconds: float, right: bool, what: str
) -> None:
    call = f"close_in_time(pool, {seconds:g}) with {what}"
    said = await bench.run(call, lambda: answer(pool, seconds), look=LOOK)
    bench.expect(said is right, f"{call} returned {said!r}.", f"{right}.", LOOK)
    await bench.no_sessions(call, LOOK)
