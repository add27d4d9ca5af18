"""Exercise 3.4: an alarm that rings once when it should, and not for every flicker."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

FOR_SECONDS = 0.2
PAUSE = FOR_SECONDS + 0.12
SHORT = 0.8 * FOR_SECONDS
INTERVAL = 0.03


class Lent:
    """Holds so many connections of a pool as it is told."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._held: list[Any] = []
        self.loans = 0
        """How often it has borrowed a connection."""

    async def be(self, number: int) -> None:
        """Hold `number` connections."""
        while len(self._held) < number:
            self.loans += 1
            self._held.append(await self._pool.acquire(timeout=2))
        while len(self._held) > number:
            await self._pool.release(self._held.pop())

    async def short(self, number: int, seconds: float, then: int) -> bool:
        """Hold `number` for a moment, then another number; return whether it was short indeed.

        On a busy machine it may become longer than a bell waits.
        """
        began = time.monotonic()
        await self.be(number)
        await asyncio.sleep(seconds)
        await self.be(then)
        return time.monotonic() - began < SHORT


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Lend few, many for a moment, many for long, some, and none of ten connections."""
    said: list[str] = []
    loans = 0

    def send(text: str) -> None:
        said.append(text)
        raise ConnectionError("the alarm could not be sent")

    async def count(_: Any) -> None:
        nonlocal loans
        loans += 1

    async with bench.pool(10, min_size=2, setup=count) as pool:
        lent = Lent(pool)
        alert = await _begins(answer, pool, send, bench)
        await asyncio.sleep(0.1)
        bench.no_blocking_sleep("watching")
        bench.expect(
            loans == 0,
            f"in 0.1 s of watching an idle pool, {loans} connections were borrowed.",
            "none: the alert borrows no connection.",
            "where the numbers of the pool come from",
        )
        await _quiet(bench, said, lent)
        await _interrupted(bench, said, lent)
        await _rings_once(bench, said, lent)
        await _clears_once(bench, said, lent)
        await lent.be(9)
        await _until(bench, said, 3, "9 of 10 were lent out again", "firing")
        await _stops(bench, alert, said, lent)
        await bench.all_returned(pool, "stop()", "whether the alert borrows connections itself")
        bench.expect(
            loans == lent.loans,
            f"the alert borrowed {loans - lent.loans} connections.",
            "none: the alert borrows no connection.",
            "where the numbers of the pool come from",
        )
    bench.no_blocking_sleep("watching")
    return {"alarms sent": ", ".join(said)}


async def _begins(answer: Any, pool: Any, send: Any, bench: Bench) -> Any:
    tasks = len(asyncio.all_tasks())
    alert = await bench.run(
        "PoolAlert(pool, send, ...)",
        lambda: answer(
            pool, send, fires_above=0.8, clears_below=0.5, for_seconds=FOR_SECONDS,
            interval=INTERVAL,
        ),
    )  # fmt: skip
    bench.needs(alert, ("start", "stop"), "PoolAlert(...)")
    bench.expect(
        len(asyncio.all_tasks()) == tasks,
        "a task was running before start().",
        "that nothing begins before start().",
        "what making the object does",
    )
    for what in ("start()", "a second start()"):
        look = "whether start waits for an end"
        await bench.run(what, alert.start, limit=1.5, look=look)
    return alert


def _is(bench: Bench, said: list[str], wanted: list[str], when: str, look: str) -> None:
    bench.expect(
        said == wanted,
        f"{when}, send had been called with {said}.",
        f"{wanted}." if wanted else "no call.",
        look,
    )


async def _quiet(bench: Bench, said: list[str], lent: Lent) -> None:
    look = "which connections count: those that are lent out, of those that there may be"
    bench.stage("watching a pool of 10 with 2 connections open, both lent out")
    await lent.be(2)
    await asyncio.sleep(PAUSE)
    _is(bench, said, [], "with 2 of 10 lent out, and no other one open", look)
    bench.stage("watching a short peak")
    for _ in range(5):
        short = await lent.short(9, 0.05, then=0)
        if short:
            when = f"after a peak of less than {SHORT:g} s with for_seconds={FOR_SECONDS}"
            delay = "how long the utilization has to be high before anybody is told"
            _is(bench, said, [], when, delay)
            await asyncio.sleep(PAUSE)
            _is(bench, said, [], "with 9 of 10 open and none lent out", look)
            break
        await asyncio.sleep(PAUSE)
        said.clear()
    bench.stage("watching a pool with 8 of 10 lent out")
    await lent.be(8)
    await asyncio.sleep(PAUSE)
    when = "with 8 of 10 lent out, at fires_above=0.8 and not above it"
    _is(bench, said, [], when, "what happens at the bound itself")


async def _interrupted(bench: Bench, said: list[str], lent: Lent) -> None:
    bench.stage("watching peaks with an interruption")
    for _ in range(3):
        peaks = []
        for _ in range(2):
            peaks.append(await lent.short(9, 0.11, then=7))
            await asyncio.sleep(0.1)
        if all(peaks):
            _is(
                bench,
                said,
                [],
                f"after 9 of 10, then 7, then 9 again, each for less than {SHORT:g} s with "
                f"for_seconds={FOR_SECONDS}",
                "what an interruption does to the time that is counted",
            )
            return
        await lent.be(2)
        await asyncio.sleep(PAUSE)
        said.clear()


async def _until(bench: Bench, said: list[str], number: int, when: str, word: str) -> None:
    bench.stage(f"watching after {when}")
    await bench.until(lambda: len(said) >= number, limit=1.5)
    bench.expect(
        len(said) == number and said[-1] == word,
        f"1.5 s after {when}, send had been called with {said}.",
        f"{word!r} as call number {number}.",
        "how the utilization is computed, and what an exception of send does to the watching",
    )


async def _rings_once(bench: Bench, said: list[str], lent: Lent) -> None:
    await lent.be(9)
    await _until(bench, said, 1, "9 of 10 were lent out", "firing")
    look = "what is remembered between two looks: it rings once, and a flicker is no new alarm"
    await asyncio.sleep(PAUSE)
    _is(bench, said, ["firing"], "with 9 of 10 lent out for longer", look)
    await lent.be(5)
    await asyncio.sleep(PAUSE)
    when = "with 5 of 10 lent out, between the two bounds (at clears_below=0.5, not below it)"
    _is(bench, said, ["firing"], when, look)
    if await lent.short(2, 0.08, then=9):
        await asyncio.sleep(PAUSE)
        when = (
            f"after 2 of 10 for less than {SHORT:g} s with for_seconds={FOR_SECONDS}, and then 9 "
            "again"
        )
        _is(bench, said, ["firing"], when, look)
    said[:] = ["firing"]


async def _clears_once(bench: Bench, said: list[str], lent: Lent) -> None:
    await lent.be(2)
    await _until(bench, said, 2, "only 2 of 10 were lent out", "cleared")
    await asyncio.sleep(PAUSE)
    look = "what is remembered between two looks"
    _is(bench, said, ["firing", "cleared"], "with 2 of 10 lent out for longer", look)


async def _stops(bench: Bench, alert: Any, said: list[str], lent: Lent) -> None:
    look = "how stop ends what start has begun"
    with contextlib.suppress(asyncio.CancelledError):
        await bench.run("stop()", alert.stop, look=look)
    before = list(said)
    await lent.be(0)
    await asyncio.sleep(PAUSE)
    _is(bench, said, before, "after stop()", look)
    await bench.run("a second stop()", alert.stop, look=look)
