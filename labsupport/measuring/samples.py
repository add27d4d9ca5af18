"""Sampling: look at a pool again and again while a block runs, without getting in its way."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Awaitable, Callable, Mapping
from numbers import Real
from time import perf_counter
from typing import Self

from labsupport.measuring.load import check_seconds
from labsupport.measuring.recording import give_up
from labsupport.measuring.timeline import SESSIONS, Mark, TimeLine, floats

__all__ = ["Observe", "Sessions", "Watch", "watch"]

Observe = Callable[[], Mapping[str, object] | Awaitable[Mapping[str, object]]]
"""Returns numbers by name, such as `DatabasePool.get_pool_stats`; other values are left out."""
Sessions = Callable[[], Awaitable[float]]
"""Returns how many sessions the server sees; see `sessions_of`."""

LEAST_BETWEEN_SESSIONS = 0.1
"""Seconds between two questions to the server, whose answers cost it time."""
ANSWER_LIMIT = 2.0
STALE = 1.0
BLOCKING = 1.0
GRACE = 1.0


class Watch:
    """An async context manager that samples while its block runs; see `watch`. It serves once."""

    def __init__(
        self,
        observe: Observe,
        sessions: Sessions | None = None,
        every: float = 0.05,
        limit: float = 120.0,
    ) -> None:
        for name, gauge in (("observe", observe), ("sessions", sessions)):
            if not callable(gauge) and not (gauge is None and name == "sessions"):
                raise TypeError(f"{name} must be a function: pass it without brackets behind it.")
        check_seconds("every", every)
        check_seconds("limit", limit)
        self._observe, self._sessions = observe, sessions
        self._every, self._limit = every, limit
        self._start = math.nan
        self._rows: list[tuple[float, dict[str, float]]] = []
        self._marks: list[Mark] = []
        self._failures: dict[str, tuple[int, str]] = {}
        self._answer: tuple[float, float] = (-math.inf, math.nan)  # when, how many sessions
        self._blocked = False

    @property
    def line(self) -> TimeLine:
        """What was seen so far."""
        names = dict.fromkeys(name for _, row in self._rows for name in row)
        return TimeLine(
            seconds=floats([seconds for seconds, _ in self._rows]),
            columns={
                name: floats([row.get(name, math.nan) for _, row in self._rows]) for name in names
            },
            marks=tuple(self._marks),
            notes=self.notes,
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What went wrong with the sampling so far, a sentence each."""
        return tuple(
            f"{who} failed {count} time{'s' * (count > 1)}, first {first}."
            for who, (count, first) in self._failures.items()
        )

    def mark(self, label: str) -> None:
        """Put a labelled mark on the line, at this moment."""
        self._marks.append(Mark(self.elapsed, label))

    async def __aenter__(self) -> Self:
        if not math.isnan(self._start):
            raise RuntimeError("This watch has been used; make a new one for each block.")
        self._start = perf_counter()
        loop = asyncio.get_running_loop()
        self._stop = loop.create_future()
        self._tasks = [loop.create_task(self._sample_until_the_end())]
        if self._sessions is not None:
            pause = max(self._every, LEAST_BETWEEN_SESSIONS)
            self._tasks.append(loop.create_task(self._repeat(self._ask, pause)))
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._stop.set_result(None)
        try:
            await asyncio.wait(self._tasks, timeout=GRACE)
        finally:
            await give_up(self._tasks)

    def _sampled(self, seconds: float, row: Mapping[str, float]) -> None:
        """Called with each sample."""

    @property
    def elapsed(self) -> float:
        """Seconds since the start of the block, 0 before it."""
        return 0.0 if math.isnan(self._start) else round(perf_counter() - self._start, 6)

    def _failed(self, who: str, error: BaseException) -> None:
        count, first = self._failures.get(who, (0, ""))
        reason = f"{type(error).__name__}: {error}".rstrip(": .")
        self._failures[who] = (count + 1, first or f"after {self.elapsed:.1f} s: {reason}")

    async def _repeat(self, once: Callable[[], Awaitable[None]], every: float) -> None:
        """Do something at once and again and again, until the block or the limit ends."""
        while not self._stop.done() and self.elapsed < self._limit:
            due = perf_counter() + every
            await once()
            await asyncio.wait([self._stop], timeout=max(0.0, due - perf_counter()))

    async def _sample_until_the_end(self) -> None:
        await self._repeat(self._sample, self._every)
        if self._stop.done():
            await self._sample()
        else:
            self._failed("Sampling", TimeoutError(f"its limit of {self._limit:g} s was reached"))

    async def _sample(self) -> None:
        """Take one sample. Whatever goes wrong is noted and leaves a gap."""
        began = self.elapsed
        row: dict[str, float] = {}
        try:
            if not self._blocked:
                row = await self._look()
        except Exception as error:
            self._failed("Looking at the pool", error)
        answered, sessions = self._answer
        if began - answered <= STALE:
            row[SESSIONS] = sessions
        self._rows.append((began, row))
        self._sampled(began, row)

    async def _look(self) -> dict[str, float]:
        """Ask `observe`; one that blocks the event loop is not asked again."""
        began = perf_counter()
        seen = self._observe()
        blocked = perf_counter() - began
        if blocked > BLOCKING:
            self._blocked = True
            slow = f"it blocked the event loop for {blocked:.1f} s and is not called again"
            self._failed("Looking at the pool", TimeoutError(slow))
        if inspect.isawaitable(seen):
            async with asyncio.timeout(ANSWER_LIMIT):
                seen = await seen
        return {
            name: float(value)
            for name, value in seen.items()
            if isinstance(value, Real) and not isinstance(value, bool)
        }

    async def _ask(self) -> None:
        """Ask for the server's sessions, with a limit."""
        assert self._sessions is not None
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                sessions = float(await self._sessions())
        except Exception as error:
            self._failed("Counting the server's sessions", error)
        else:
            self._answer = (self.elapsed, sessions)


def watch(
    observe: Observe,
    *,
    sessions: Sessions | None = None,
    every: float = 0.05,
    limit: float = 120.0,
) -> Watch:
    """Sample a pool while a block runs: `async with watch(pool.get_pool_stats) as seen: ...`.

    Afterwards `seen.line` is the `TimeLine`. `observe` is called every `every` seconds, for at
    most `limit` seconds; `sessions` is asked at most ten times a second, and a sample holds its
    newest answer. What fails, or does not answer within two seconds, leaves a gap and a note and
    does not touch the block. Raises ValueError or TypeError for arguments that make no sense.
    """
    return Watch(observe, sessions, every, limit)
