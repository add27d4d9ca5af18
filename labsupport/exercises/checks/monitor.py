"""Exercise 3.3: a monitor that goes on when things go wrong, and stops when told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

KEEP = 5
INTERVAL = 0.05
TIMEOUT = 0.25
KEYS = ("size", "used", "utilization", "seconds")


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """An idle pool, one in use, a full one, lost connections, and the end."""
    away: list[bool] = []

    async def fail_when_away(_: Any) -> None:
        if away:
            raise asyncpg.ConnectionDoesNotExistError("the connection was closed")

    async with bench.pool(4, min_size=2, setup=fail_when_away) as pool:
        await _slow_pace(answer, pool, bench)
        monitor = await bench.run(
            f"Monitor(pool, interval={INTERVAL}, timeout={TIMEOUT}, keep={KEEP})",
            lambda: answer(pool, interval=INTERVAL, timeout=TIMEOUT, keep=KEEP),
        )
        _has_no_rows(monitor, bench, "before start() of another monitor")
        for what in ("start()", "a second start()"):
            await bench.run(
                what, monitor.start, limit=1.5, look="whether start waits for what it has begun"
            )
        await _shows(monitor, bench, "an idle pool, 2 of 4 open", size=2, used=0, utilization=0.0)
        bench.no_blocking_sleep("monitoring")
        await _keeps(monitor, bench)
        async with _lent(pool, 1):
            await _shows(monitor, bench, "1 of 4 lent out, 2 open", used=1, utilization=0.25)
        async with _lent(pool, 4):
            await _shows(monitor, bench, "4 of 4 lent out", used=4, utilization=1.0, seconds=None)
        await _shows(monitor, bench, "all given back", size=4, used=0, utilization=0.0)
        await _slow_answer(monitor, pool, bench)
        away.append(True)
        await _shows(monitor, bench, "lost connections", used=0, seconds=None)
        away.clear()
        await bench.kill()
        await asyncio.sleep(0.15)
        await _shows(monitor, bench, "sessions that the server has ended", used=0)
        last = dict(monitor.rows[-1])
        async with _lent(pool, 4):
            await asyncio.sleep(2 * INTERVAL)  # So that a look is under way.
            await _stops(monitor, bench)
        await bench.all_returned(pool, "stop()", "what the monitor does with its connection")
    bench.no_blocking_sleep("monitoring")
    return {key: last[key] for key in KEYS}


async def _slow_pace(answer: Any, pool: Any, bench: Bench) -> None:
    """Nothing before `start`, and no second row long before the interval is over."""
    monitor = await bench.run(
        "Monitor(pool, interval=1)", lambda: answer(pool, interval=1, timeout=TIMEOUT, keep=100)
    )
    bench.needs(monitor, ("start", "stop"), "Monitor(...)")
    await asyncio.sleep(0.1)
    _has_no_rows(monitor, bench, "before start()")
    look = "whether start waits for what it has begun"
    await bench.run("start()", monitor.start, limit=1.5, look=look)
    await asyncio.sleep(0.2)
    bench.no_blocking_sleep("monitoring")
    many = len(getattr(monitor, "rows", []))
    bench.expect(
        many <= 2,
        f"with interval=1, there were {many} rows after 0.2 s.",
        "one row about every `interval` seconds.",
        "what happens between two rows",
    )
    await bench.run("stop()", monitor.stop)


def _has_no_rows(monitor: Any, bench: Bench, when: str) -> None:
    early = len(getattr(monitor, "rows", []))
    bench.expect(
        early == 0,
        f"{when}, there were {early} rows.",
        "none: nothing begins before start(), and each monitor has a list of rows of its own.",
        "what making the object does",
    )


async def _keeps(monitor: Any, bench: Bench) -> None:
    """Collect twice as many rows as are kept; those that are left are the last, in order."""
    seen: dict[int, tuple[int, Any]] = {}  # id: when it was first seen, and the row itself
    looks = 0

    def enough() -> bool:
        nonlocal looks
        looks += 1
        for row in list(monitor.rows):
            seen.setdefault(id(row), (looks, row))
        return len(seen) >= 2 * KEEP

    bench.stage(f"monitoring with interval={INTERVAL} and keep={KEEP}")
    came = await bench.until(enough, limit=3.0)
    bench.expect(
        came,
        f"with interval={INTERVAL} and keep={KEEP}, {len(seen)} different rows came in 3 s.",
        f"a new row about every {INTERVAL} s, in place of the oldest when there are {KEEP}.",
        "what the interval is, and what happens to old rows",
    )
    rows = list(monitor.rows)
    bench.expect(
        len(rows) <= KEEP,
        f"there were {len(rows)} rows with keep={KEEP}.",
        f"the last {KEEP} at most.",
        "what happens to old rows",
    )
    order = [seen[id(row)][0] for row in rows if id(row) in seen]
    bench.expect(
        order == sorted(order),
        "a newer row stood before an older one.",
        "the oldest first.",
        "the order of the rows",
    )


async def _slow_answer(monitor: Any, pool: Any, bench: Bench) -> None:
    """A connection that becomes free while the monitor waits for it: the wait counts."""
    for _ in range(3):
        async with _lent(pool, 4):
            old = list(monitor.rows)
            await asyncio.sleep(0.15)
        await asyncio.sleep(0.1)
        fresh = [row for row in monitor.rows if not any(row is one for one in old)]
        if any(isinstance(row.get("seconds"), float) and row["seconds"] > 0.04 for row in fresh):
            return
    bench.expect(
        False,
        f"when all 4 connections were lent out for 0.15 s, rows said {fresh!r}.",
        "at least one whose seconds include the wait for a connection.",
        "when the clock of seconds starts",
    )


@contextlib.asynccontextmanager
async def _lent(pool: Any, number: int) -> AsyncIterator[None]:
    # The monitor itself may hold one for a moment.
    held = [await pool.acquire(timeout=2) for _ in range(number)]
    try:
        yield
    finally:
        for conn in held:
            await pool.release(conn)


async def _shows(monitor: Any, bench: Bench, when: str, **expected: Any) -> None:
    """Wait for a new row with these values; `seconds` is a number unless None is expected."""
    bench.stage(f"monitoring {when}")
    rows = getattr(monitor, "rows", None)
    bench.expect(
        isinstance(rows, list),
        f"rows is {type(rows).__name__}.",
        "a list of dictionaries.",
        "the names that the task gives",
    )
    old = {id(row) for row in monitor.rows}
    kept = list(monitor.rows)  # so that no new row gets the id of an old one

    def fresh() -> list[Any]:
        return [row for row in monitor.rows if id(row) not in old]

    await bench.until(lambda: any(_fits(row, expected) for row in fresh()), limit=2.0)
    seen = fresh()
    bench.expect(
        bool(seen),
        f"with {when}, no new row came within 2 s.",
        f"a row every {INTERVAL} s, and with a full pool after each timeout of {TIMEOUT} s.",
        "what an exception or an endless wait does to the loop, and what limits the query",
    )
    newest = seen[-1]
    missing = [key for key in KEYS if not isinstance(newest, dict) or key not in newest]
    bench.expect(
        not missing,
        f"a row was {newest!r}.",
        f"a dictionary with the keys {', '.join(KEYS)}.",
        "the names that the task gives",
    )
    wanted = {"seconds": "a number", **expected}
    bench.expect(
        any(_fits(row, expected) for row in seen),
        f"with {when}, a row said {newest!r}.",
        ", ".join(f"{key} {value}" for key, value in wanted.items()) + ".",
        "what each number counts, and when it is taken: the monitor's own query is not meant",
    )
    del kept


def _fits(row: Any, expected: dict[str, Any]) -> bool:
    if not isinstance(row, dict) or any(key not in row for key in KEYS):
        return False
    wanted = dict(expected)
    if "seconds" not in wanted and not isinstance(row["seconds"], (int, float)):
        return False
    return all(row[key] == value for key, value in wanted.items())


async def _stops(monitor: Any, bench: Bench) -> None:
    look = "what start begins, how often, and how stop ends it"
    await bench.run("stop()", monitor.stop, look=look)
    before = list(monitor.rows)
    await asyncio.sleep(0.4)
    after = list(monitor.rows)
    bench.expect(
        before == after,
        "a new row came after stop() had returned.",
        "that nothing is monitored any more, also if stop() comes in the middle of a look.",
        look,
    )
    await bench.run("a second stop()", monitor.stop, look=look)
