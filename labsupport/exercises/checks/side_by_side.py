"""Exercise 04.b: many queries side by side, and no connection held while they are awaited."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.checks._locks import waiting_at_once
from labsupport.exercises.checks._pools import database_pool
from labsupport.pooling import PooledDatabase

__all__ = ["check"]

SIZE = 3
DETAIL = "SELECT $1::int * 10 - 10 WHERE $1::int < 4"
"""0 for the key 1, and no row for the key 4."""
LOCK = 42
WAITS = f"SELECT $1::int FROM pg_advisory_xact_lock_shared({LOCK})"
"""Is answered when the check lets go of its lock, and so not before it has counted."""
LOOK = "part 4: which connections are held while others are waited for, and who shares one"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask over a pool of one, where holding one is fatal, and over a pool of three."""
    listing, detail = "SELECT generate_series(1, 4)", DETAIL
    async with database_pool(bench, 1, acquire_timeout=2.5) as pool:
        what = "details over a pool of 1 connection"
        found = await _run(answer, PooledDatabase(pool), bench, what, listing, detail)
        bench.expect(
            found == {1: 0, 2: 10, 3: 20, 4: None},
            f"{what} returned {str(found)[:150]}.",
            "a dictionary from each key to its value, None where there is no row: "
            "{1: 0, 2: 10, 3: 20, 4: None}.",
            "what is a row, what is the value in its first column, and which keys are kept",
        )
        nothing = "SELECT 1 WHERE false"
        found = await _run(answer, PooledDatabase(pool), bench, "no keys", nothing, detail)
        bench.expect(found == {}, f"without keys, details returned {found!r}.", "{}.", "no rows")
        await bench.all_returned(pool.pool, what, "part 1: who gives a connection back")
    async with database_pool(bench, SIZE) as pool:
        peak = await _side_by_side(answer, PooledDatabase(pool), bench)
        await bench.all_returned(pool.pool, "details", "part 1: who gives a connection back")
    return {f"most queries at work at once, over a pool of {SIZE}": peak}


async def _run(
    answer: Any, db: PooledDatabase, bench: Bench, what: str, listing: str, detail: str
) -> dict[Any, Any]:
    found = await bench.run(what, lambda: answer(db, listing, detail), look=LOOK)
    bench.expect(
        isinstance(found, dict), f"{what} returned {found!r}.", "a dictionary.", "the last line"
    )
    return dict(found)


async def _side_by_side(answer: Any, db: PooledDatabase, bench: Bench) -> int:
    what = f"details with 6 keys over a pool of {SIZE} connections"
    holder = await asyncpg.connect(**bench.where)
    try:
        await holder.execute("SELECT pg_advisory_lock($1)", LOCK)
        call = asyncio.ensure_future(answer(db, "SELECT generate_series(1, 6)", WAITS))
        peak = await waiting_at_once(bench, SIZE, call.done)
        if call.done():  # It has raised something: no query has had an answer yet.
            await bench.run(what, lambda: call, look=LOOK)
        bench.expect(
            peak == SIZE,
            f"{what} had {peak} of the slow queries at work at the same time at most.",
            f"{SIZE}, one on each connection.",
            "whether each query is awaited before the next one is begun",
        )
    finally:
        holder.terminate()
    await bench.run(what, lambda: call, look=LOOK)
    return peak
