"""Exercise 3.4: an alarm that rings once when it should, and not for every flicker."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

from labsupport.errors import LabError
from labsupport.exercises.bench import Bench

__all__ = ["check"]

FOR_SECONDS = (0.2, 0.4, 0.8)
"""`for_seconds` of the first alert, and of those with which a step is repeated."""
INTERVAL = 0.03
MARGIN = 0.12
"""Seconds beyond `for_seconds` after which an alert has noticed what has lasted."""
PEAK = 0.07
"""Seconds of a short peak: more than two looks."""
SLICE = 0.02
SHORT = 0.8
"""What part of `for_seconds` a short peak may last."""
COUNTED = "which connections count: those that are lent out, of those that there may be"
DELAY = "how long the utilization has to be high before anybody is told"
ENDING = "how stop ends what start has begun"
ONCE = (
    "what is remembered between two looks: it rings once, also when send raised an exception (it "
    "does so here each time), and a flicker is no new alarm"
)


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
            self._held.append(await self._pool.acquire(timeout=5))
        back, self._held = self._held[number:], self._held[:number]
        await asyncio.gather(*(self._pool.release(conn) for conn in back))

    async def short(self, number: int, then: int, for_seconds: float) -> bool:
        """Hold `number` for a moment, then another number; return whether it was short indeed.

        On a busy machine it may become longer than an alert waits.
        """
        began = time.monotonic()
        await self.be(number)
        await pass_time(PEAK)
        await self.be(then)
        return time.monotonic() - began < SHORT * for_seconds


class Watch:
    """One alert under test, with its own `send`, which fails each time."""

    def __init__(self, answer: Any, pool: Any, bench: Bench, for_seconds: float) -> None:
        self.for_seconds = for_seconds
        self.said: list[str] = []
        self._answer = answer
        self._pool = pool
        self._bench = bench
        self._alert: Any = None

    def _send(self, text: str) -> None:
        self.said.append(text)
        raise ConnectionError("the alarm could not be sent")

    async def begin(self) -> None:
        """Make it and start it twice."""
        bench, tasks = self._bench, len(asyncio.all_tasks())
        self._alert = await bench.run(
            "PoolAlert(pool, send, ...)",
            lambda: self._answer(
                self._pool, self._send, fires_above=0.8, clears_below=0.5,
                for_seconds=self.for_seconds, interval=INTERVAL,
            ),
        )  # fmt: skip
        bench.needs(self._alert, ("start", "stop"), "PoolAlert(...)")
        bench.expect(
            len(asyncio.all_tasks()) == tasks,
            "a task was running before start().",
            "that nothing begins before start().",
            "what making the object does",
        )
        for what in ("start()", "a second start()"):
            look = "whether start waits for an end"
            await bench.run(what, self._alert.start, limit=1.5, look=look)

    async def end(self, what: str = "stop()") -> None:
        """Stop it."""
        with contextlib.suppress(asyncio.CancelledError):
            await self._bench.run(what, self._alert.stop, look=ENDING)

    async def stays(self, wanted: list[str], when: str, look: str) -> None:
        """Wait until it would have rung, and expect that it has said `wanted` and no more."""
        self._bench.stage(f"watching {when}")
        await pass_time(self.for_seconds + MARGIN)
        self.has_said(wanted, when, look)

    def has_said(self, wanted: list[str], when: str, look: str) -> None:
        """Expect that it has said `wanted` until now, and no more."""
        self._bench.expect(
            self.said == wanted,
            f"{when}, send had been called with {self.said}.",
            f"{wanted}." if wanted else "no call.",
            look,
        )

    async def says(self, wanted: list[str], when: str) -> None:
        """Wait until it has said as many words as `wanted`, and expect those."""
        bench, began = self._bench, time.monotonic()
        bench.stage(f"watching after {when}")
        enough = self.for_seconds + 1.3
        came = await bench.until(lambda: len(self.said) >= len(wanted), limit=enough)
        bench.expect(
            came and self.said[: len(wanted)] == wanted,
            f"{time.monotonic() - began:.1f} s after {when}, send had been called with "
            f"{self.said}.",
            f"{wanted[-1]!r} as call number {len(wanted)}, after {self.for_seconds:g} s.",
            "how the utilization is computed, and what an exception of send does to the watching",
        )
        self.has_said(wanted, f"soon after {when}", ONCE)


Begin = Callable[[float], Awaitable[Watch]]
Step = Callable[[Watch, Lent], Awaitable[bool]]


async def pass_time(seconds: float) -> None:
    """Wait until the event loop has run for so long.

    A time in which the machine stood still counts as one look, so that nobody who looks now and
    then has missed anything.
    """
    while seconds > 0:
        began = time.monotonic()
        await asyncio.sleep(SLICE)
        seconds -= min(time.monotonic() - began, 2 * SLICE)


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Lend few, many for a moment, many for long, some, and none of ten connections."""
    loans = 0

    async def count(_: Any) -> None:
        nonlocal loans
        loans += 1

    def borrowed_none(when: str, number: int) -> None:
        bench.expect(
            number == 0,
            f"{when}, {number} connections were borrowed.",
            "none: the alert borrows no connection.",
            "where the numbers of the pool come from",
        )

    async with bench.pool(10, min_size=2, setup=count) as pool:
        lent = Lent(pool)
        begin = functools.partial(_begin, answer, pool, bench)
        first = await begin(FOR_SECONDS[0])
        await asyncio.sleep(0.1)
        bench.no_blocking_sleep("watching")
        borrowed_none("in 0.1 s of watching an idle pool", loans)
        await _two_open(first, lent)
        await _quiet(await begin(FOR_SECONDS[0]), lent)
        await (await _repeated(_peaks, begin, lent)).end()
        watch = await _repeated(_rings_once, begin, lent)
        await _clears_once(watch, lent)
        await _stops(watch, lent)
        await bench.all_returned(pool, "stop()", "whether the alert borrows connections itself")
        borrowed_none("by the alert itself", loans - lent.loans)
    bench.no_blocking_sleep("watching")
    return {"alarms sent": ", ".join(watch.said)}


async def _begin(answer: Any, pool: Any, bench: Bench, for_seconds: float) -> Watch:
    watch = Watch(answer, pool, bench, for_seconds)
    await watch.begin()
    return watch


async def _repeated(step: Step, begin: Begin, lent: Lent) -> Watch:
    """Take a step whose short moments have to be short until they were; return its alert.

    Each time with a new alert, so that nothing of a moment that became too long is remembered,
    and with a longer time before it rings. Raises `LabError` when the last time was in vain, too.
    """
    for for_seconds in FOR_SECONDS:
        await lent.be(0)
        watch = await begin(for_seconds)
        if await step(watch, lent):
            return watch
        await watch.end()
    raise LabError("this machine is too busy to lend connections for a moment only")


async def _two_open(watch: Watch, lent: Lent) -> None:
    await lent.be(2)
    await watch.stays([], "with 2 of 10 lent out, and no other one open", COUNTED)
    await watch.end()
    # Open what the next alerts find, while nobody watches.
    await lent.be(9)
    await lent.be(0)


async def _quiet(watch: Watch, lent: Lent) -> None:
    await watch.stays([], "with 9 of 10 open and none lent out", COUNTED)
    await lent.be(8)
    when = "with 8 of 10 lent out, at fires_above=0.8 and not above it"
    await watch.stays([], when, "what happens at the bound itself")
    await watch.end()


async def _peaks(watch: Watch, lent: Lent) -> bool:
    """One short peak, then two with an interruption; return whether they were short."""
    wait = watch.for_seconds
    if not await lent.short(9, 0, wait):
        return False
    less = f"for less than {SHORT * wait:g} s with for_seconds={wait:g}"
    await watch.stays([], f"after 9 of 10 were lent out {less}", DELAY)
    first = await lent.short(9, 7, wait)
    await pass_time(wait)
    if not (await lent.short(9, 7, wait) and first):
        return False
    when = f"after 9 of 10, then 7, then 9 again, 9 each time {less}"
    await watch.stays(
        [], when, f"what an interruption does to the time that is counted, and {DELAY}"
    )
    return True


async def _rings_once(watch: Watch, lent: Lent) -> bool:
    """Many for long, then some, then few for a moment; return whether it was a moment."""
    wait = watch.for_seconds
    await lent.be(9)
    await watch.says(["firing"], "9 of 10 were lent out")
    await watch.stays(["firing"], "with 9 of 10 lent out for longer", ONCE)
    await lent.be(5)
    when = "with 5 of 10 lent out, between the two bounds (at clears_below=0.5, not below it)"
    await watch.stays(["firing"], when, ONCE)
    if not await lent.short(2, 9, wait):
        return False
    less = f"for less than {SHORT * wait:g} s with for_seconds={wait:g}"
    await watch.stays(["firing"], f"after 2 of 10 {less}, and then 9 again", ONCE)
    return True


async def _clears_once(watch: Watch, lent: Lent) -> None:
    await lent.be(2)
    await watch.says(["firing", "cleared"], "only 2 of 10 were lent out")
    await watch.stays(["firing", "cleared"], "with 2 of 10 lent out for longer", ONCE)
    await lent.be(9)
    await watch.says(["firing", "cleared", "firing"], "9 of 10 were lent out again")


async def _stops(watch: Watch, lent: Lent) -> None:
    await watch.end()
    said = list(watch.said)
    await lent.be(0)
    await watch.stays(said, "after stop()", ENDING)
    await watch.end("a second stop()")
