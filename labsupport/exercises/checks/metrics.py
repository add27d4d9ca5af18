"""Exercise 2.4: numbers that agree with what the server and the callers see."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import time
from dataclasses import dataclass
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

KEYS = ("max", "open", "used", "idle", "waiting", "timeouts", "wait_seconds")


PATIENT = 10
"""Seconds for a wait that has to end with a connection; the check itself has a limit."""


@dataclass
class Waits:
    """How long calls of `acquire` have waited together: not less and not more, in seconds."""

    least: float = 0.0
    most: float = 0.0


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Compare the numbers with the truth: idle, in use, full, given up, called off."""
    pool = await bench.run("MeasuredPool()", answer)
    bench.needs(pool, ("initialize", "acquire", "metrics", "close"), "MeasuredPool()")
    await bench.run(
        "initialize(min_size=1, max_size=3, **where)",
        lambda: pool.initialize(min_size=1, max_size=3, **bench.where),
    )
    await _are(pool, bench, "after initialize", max=3, open=1, used=0, idle=1, waiting=0)
    waits = Waits()
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            await _borrow(pool, bench, stack, waits)
        await _are(pool, bench, "with 2 connections lent out", open=2, used=2, idle=0, waiting=0)
        await _borrow(pool, bench, stack, waits)
        await _when_full(pool, bench, waits)
        asked = time.monotonic()
        last = asyncio.create_task(_once(pool, 5))
        await _are(pool, bench, "with one waiting", waiting=1)
    await bench.run("the one that waited", lambda: last)
    waits.most += time.monotonic() - asked
    await _are(pool, bench, "after all were given back", used=0, waiting=0, idle=3, open=3)
    _waited(pool, bench, waits, "after 3 connections were lent out for a while and given back")
    await _failed_block(pool, bench, LookupError)
    await _failed_block(pool, bench, TimeoutError)
    await bench.kill()
    await asyncio.sleep(0.1)  # asyncpg has to notice, too.
    await _are(pool, bench, "after the server ended all sessions", used=0, waiting=0)
    await bench.run("a block after that", lambda: _once(pool, PATIENT))
    found = pool.metrics()
    bench.expect(
        found["open"] <= found["max"] and found["idle"] <= found["open"],
        "after the server ended all sessions and one connection was lent again, "
        f"open was {found['open']} and idle {found['idle']}, with max {found['max']}.",
        "that a session which has ended is not counted as open.",
        "where the number of open connections goes down",
    )
    await bench.run("close()", pool.close)
    await bench.no_sessions("close()", "what close does")
    return {key: found[key] for key in KEYS}


async def _borrow(pool: Any, bench: Bench, stack: contextlib.AsyncExitStack, waits: Waits) -> None:
    asked = time.monotonic()
    await bench.run("acquire", lambda: stack.enter_async_context(pool.acquire(timeout=PATIENT)))
    waits.most += time.monotonic() - asked


async def _once(pool: Any, timeout: float) -> None:
    async with pool.acquire(timeout=timeout) as conn:
        with contextlib.suppress(Exception):
            await conn.fetchval("SELECT 1")


async def _when_full(pool: Any, bench: Bench, waits: Waits) -> None:
    before, asked = pool.metrics()["wait_seconds"], time.monotonic()
    waiting = [asyncio.create_task(_once(pool, 5)) for _ in range(2)]
    try:
        await _are(pool, bench, "with 3 lent out and 2 waiting", open=3, used=3, idle=0, waiting=2)
        await asyncio.sleep(0.3)
        await bench.must_be_cancelled("acquire, waiting,", waiting[0], "what acquire catches")
        await _are(pool, bench, "after one of 2 waiting was cancelled", waiting=1, timeouts=0)
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=2)
    await _are(pool, bench, "after both were cancelled", waiting=0, timeouts=0)
    cancelled = Waits(2 * 0.3, 2 * (time.monotonic() - asked))
    when = "after two calls were cancelled that had waited 0.3 s each"
    _waited(pool, bench, cancelled, when, before)
    before, asked = pool.metrics()["wait_seconds"], time.monotonic()
    await bench.must_raise(
        "acquire(timeout=0.3) on a full pool",
        lambda: _once(pool, 0.3),
        TimeoutError,
        expected="TimeoutError after 0.3 s.",
        look="whether the timeout reaches the wait for a connection",
    )
    await _are(pool, bench, "after one gave up", waiting=0, timeouts=1, used=3)
    gave_up = Waits(0.3, time.monotonic() - asked)
    _waited(pool, bench, gave_up, "after one more call gave up after 0.3 s", before)
    for part in (cancelled, gave_up):
        waits.least += part.least
        waits.most += part.most


def _waited(pool: Any, bench: Bench, waits: Waits, when: str, before: Any = 0.0) -> None:
    """Compare the waits since wait_seconds was `before`, so that others are no excuse."""
    seconds = pool.metrics()["wait_seconds"]
    number = isinstance(seconds, (int, float)) and isinstance(before, (int, float))
    low, high = 0.8 * waits.least, waits.most + 0.1
    if number:
        low, high = before + low, before + high
    said = f"{seconds:.2f}" if number else repr(seconds)
    bench.expect(
        number and low <= seconds <= high,
        f"{when}, wait_seconds was {said}.",
        f"from {low:.2f} to {high:.2f}: all waits together, however each ended, in seconds, "
        "without the time of the blocks.",
        "when the clock of a wait starts and stops, on each way out of acquire",
    )


async def _failed_block(pool: Any, bench: Bench, kind: type[Exception]) -> None:
    async def fails() -> None:
        async with pool.acquire(timeout=PATIENT):
            raise kind("made in the block")

    await bench.must_raise(
        f"a block that raises {kind.__name__}",
        fails,
        kind,
        expected=f"{kind.__name__}.",
        look="acquire",
    )
    when = f"after a block that raised {kind.__name__}"
    await _are(pool, bench, when, used=0, waiting=0, timeouts=1)


async def _are(pool: Any, bench: Bench, when: str, **expected: int) -> None:
    """Wait a moment for the numbers to become what they have to be."""
    look = "what that number counts, and every way in which it goes up and down"
    found = await bench.run("metrics()", lambda: [pool.metrics()], look=look)
    if inspect.iscoroutine(found[0]):
        found[0].close()
    bench.expect(
        isinstance(found[0], dict),
        f"metrics() returned {found[0]!r}.",
        "a dictionary, without an await.",
        "how metrics is written",
    )
    missing = [key for key in KEYS if key not in found[0]]
    bench.expect(
        not missing,
        f"metrics() has no {', '.join(missing)}.",
        f"the keys {', '.join(KEYS)}.",
        "the names that the task gives",
    )

    def wrong() -> list[str]:
        metrics = pool.metrics()
        return [
            f"{key} is {metrics[key]!r} instead of {value}"
            for key, value in expected.items()
            if metrics[key] != value
        ]

    await bench.until(lambda: not wrong(), limit=1.5)
    bench.expect(not wrong(), f"{when}, {' and '.join(wrong())}.", "the true numbers.", look)
