"""Exercise 07.b: a pool that is closed within a limit."""

from __future__ import annotations

import asyncio
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

LONG = 30.0
"""Seconds; a call with this limit that waits no longer than it has to ends long before."""
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
        query = asyncio.ensure_future(pool.fetchval("SELECT 7 FROM pg_sleep(0.4)"))
        await bench.until(lambda: pool.get_idle_size() < 2)
        await _closes(answer, pool, bench, LONG, True, "a pool with a query of 0.4 s under way")
        await asyncio.wait({query}, timeout=2)
        kept = query.done() and not query.cancelled() and query.exception() is None
        bench.expect(
            kept,
            "the query of 0.4 s that was under way got no answer.",
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
