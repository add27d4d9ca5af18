"""Exercise 3.3: a monitor that goes on when things go wrong, and stops when told."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

KEEP = 5
INTERVAL = 0.05
TIMEOUT = 0.25
QUERIES = 20
SLOW_LOAN = 0.1
SAMPLES = 4
KEYS = ("size", "used", "utilization", "seconds")


class Road:
    """What happens to each loan of the check's pool before the borrower has it."""

    def __init__(self) -> None:
        self.closed = False
        self.seconds = 0.0
        """How long each loan takes."""
        self.slow_loans = 0

    async def take(self, _: Any) -> None:
        """The pool's `setup`."""
        if self.closed:
            raise asyncpg.ConnectionDoesNotExistError("the connection was closed")
        if self.seconds:
            await asyncio.sleep(self.seconds)
            self.slow_loans += 1


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """An idle pool, one in use, a full one, lost connections, and the end."""
    road = Road()
    async with bench.pool(4, min_size=2, setup=road.take) as pool:
        await _slow_pace(answer, pool, bench)
        monitor = await bench.run(
            f"Monitor(pool, interval={INTERVAL}, timeout={TIMEOUT}, keep={KEEP})",
            lambda: answer(pool, interval=INTERVAL, timeout=TIMEOUT, keep=KEEP),
        )
        _has_no_rows(monitor, bench, "before start() of another monitor")
        await _starts_once(monitor, bench)
        size = pool.get_size
        await _shows(monitor, bench, "an idle pool", size=size, used=0, utilization=0.0)
        bench.no_blocking_sleep("monitoring")
        await _keeps(monitor, bench)
        async with _lent(pool, 1):
            await _shows(monitor, bench, "1 of 4 lent out", used=1, utilization=0.25)
        async with _lent(pool, 4):
            await _shows(monitor, bench, "4 of 4 lent out", used=4, utilization=1.0, seconds=None)
        await _shows(monitor, bench, "all given back", size=size, used=0, utilization=0.0)
        await _slow_loans(monitor, road, bench)
        await _waits(monitor, pool, bench)
        road.closed = True
        await _shows(monitor, bench, "lost connections", used=0, seconds=None)
        road.closed = False
        await bench.kill()
        await asyncio.sleep(0.15)
        await _shows(monitor, bench, "sessions that the server has ended", used=0)
        last = dict(monitor.rows[-1])
        async with _lent(pool, 4):
            await _stops_in_a_look(answer, pool, bench)
            await _stops(monitor, bench)
        await bench.all_returned(pool, "stop()", "what the monitor does with its connection")
    bench.no_blocking_sleep("monitoring")
    return {key: last[key] for key in KEYS}


async def _starts_once(monitor: Any, bench: Bench) -> None:
    tasks = []
    for what in ("start()", "a second start()"):
        look = "whether start waits for what it has begun"
        await bench.run(what, monitor.start, limit=1.5, look=look)
        tasks.append(len(asyncio.all_tasks()))
    bench.expect(
        tasks[1] <= tasks[0],
        f"a second start() began {tasks[1] - tasks[0]} task more.",
        "that it changes nothing: the monitor is at work already.",
        "what start does when it was called before",
    )


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
    began = time.monotonic()
    bench.stage("monitoring with interval=1")
    # Who looks without a pause is about as quick as this loop, on whatever machine.
    for _ in range(QUERIES):
        await pool.fetchval("SELECT 1")
        await asyncio.sleep(0.01)
        bench.no_blocking_sleep("monitoring")
    many, took = len(getattr(monitor, "rows", [])), time.monotonic() - began
    bench.expect(
        many <= 2 + took,
        f"with interval=1, there were {many} rows after {took:.1f} s.",
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


async def _slow_loans(monitor: Any, road: Road, bench: Bench) -> None:
    """Every loan takes a while, and no row may say less. A busy machine only makes it more."""
    bench.stage("monitoring a pool whose loans take a while")
    road.seconds, road.slow_loans = SLOW_LOAN, 0
    await bench.until(lambda: road.slow_loans > 0)
    seconds = await _fresh_seconds(monitor, bench, lambda found: len(found) >= SAMPLES)
    road.seconds = 0.0
    bench.expect(
        len(seconds) >= SAMPLES and min(seconds) > 0.8 * SLOW_LOAN,
        f"when each loan of a connection took {SLOW_LOAN:g} s, rows said "
        f"{[round(one, 3) for one in seconds]} as seconds.",
        f"some rows, and nothing below {SLOW_LOAN:g}: the wait for a connection counts.",
        "when the clock of seconds starts",
    )


async def _waits(monitor: Any, pool: Any, bench: Bench) -> None:
    """A connection that becomes free while the monitor waits for it is no timeout."""
    bench.stage("monitoring a pool that is full for a moment")
    deadline = time.monotonic() + 2
    seconds: list[float] = []
    while time.monotonic() < deadline and not _has_waited(seconds):
        old = list(monitor.rows)
        async with _lent(pool, 4):
            await asyncio.sleep(0.15)
        seconds = await _fresh_seconds(monitor, bench, _has_waited, limit=0.4, old=old)
    bench.expect(
        _has_waited(seconds),
        "when all 4 connections were lent out for 0.15 s, again and again, no row said how long "
        "the monitor had waited for one.",
        f"a row with seconds of about 0.1: a wait that is over before {TIMEOUT:g} s is no error.",
        "what seconds is when the pool is full for a moment, and when its clock starts",
    )


def _has_waited(seconds: list[float]) -> bool:
    return any(one > 0.04 for one in seconds)


async def _fresh_seconds(
    monitor: Any,
    bench: Bench,
    enough: Callable[[list[float]], bool],
    limit: float = 3.0,
    old: list[Any] | None = None,
) -> list[float]:
    """Collect the numbers in `seconds` of new rows until there are enough, or for `limit` s."""
    seen = list(monitor.rows) if old is None else old
    found: list[float] = []

    def look() -> bool:
        for row in monitor.rows:
            if not any(row is one for one in seen):
                seen.append(row)
                if isinstance(row.get("seconds"), (int, float)):
                    found.append(row["seconds"])
        return enough(found)

    await bench.until(look, limit=limit)
    return found


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

    fits = await bench.until(lambda: any(_fits(row, expected) for row in fresh()), limit=2.0)
    seen = fresh()
    # One look may have been under way before; it says how it was then.
    bench.expect(
        fits or len(seen) > 1,
        f"with {when}, {'no' if not seen else 'only one'} new row came within 2 s.",
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
    wanted = {"seconds": "a number", **_now(expected)}
    bench.expect(
        fits,
        f"with {when}, a row said {newest!r}.",
        ", ".join(f"{key} {value}" for key, value in wanted.items()) + ".",
        "what each number counts, and when it is taken: the monitor's own query is not meant",
    )
    del kept


def _fits(row: Any, expected: dict[str, Any]) -> bool:
    if not isinstance(row, dict) or any(key not in row for key in KEYS):
        return False
    wanted = _now(expected)
    if "seconds" not in wanted and not isinstance(row["seconds"], (int, float)):
        return False
    return all(row[key] == value for key, value in wanted.items())


def _now(expected: dict[str, Any]) -> dict[str, Any]:
    """What is expected now: a value may be a function that gives it."""
    return {key: value() if callable(value) else value for key, value in expected.items()}


async def _stops_in_a_look(answer: Any, pool: Any, bench: Bench) -> None:
    """Stop a monitor whose first look waits, at a full pool, for longer than it has run."""
    monitor = await bench.run(
        "Monitor(pool, ...)",
        lambda: answer(pool, interval=INTERVAL / 5, timeout=TIMEOUT, keep=KEEP),
    )
    await bench.run("start()", monitor.start)
    # Its timers and this one are of the same event loop, so that their order is certain.
    await asyncio.sleep(TIMEOUT / 5)
    await _stops(monitor, bench)


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
