"""An open loop: requests that are sent at planned moments, whoever waits for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter_ns

import numpy as np

from labsupport.measuring.arithmetic import Nanoseconds
from labsupport.measuring.load import OpenLoop, Request
from labsupport.measuring.recording import Record, attempt, give_up

__all__ = ["Arrivals", "planned_moments", "reached_rate"]

TRY_SECONDS = 0.25


def planned_moments(
    load: OpenLoop, seconds: float, most: int | None = None, seed: Sequence[int] = (1,)
) -> Nanoseconds:
    """When each request is planned, in nanoseconds after the start, shape (requests,), rising.

    Poisson arrivals have independent, exponential gaps of mean 1 / rate; even ones begin after
    half a gap. At most `most`, and none at or after `seconds`. The same seed gives the same.
    """
    if load.arrivals == "even":
        count = round(load.rate * seconds)
        moments = (np.arange(count) + 0.5) / load.rate
    else:
        # Six standard deviations more than the mean are enough to fill the time.
        expected = load.rate * seconds
        count = int(expected + 6 * expected**0.5 + 10)
        moments = np.random.default_rng(list(seed)).exponential(1 / load.rate, count).cumsum()
    kept = moments[moments < seconds][:most]
    return (kept * 1e9).astype(np.int64)


class Arrivals:
    """The requests of one slice, each a task of its own, planned beforehand."""

    def __init__(
        self,
        request: Request,
        load: OpenLoop,
        seconds: float,
        record: Record,
        most: int | None = None,
        seed: Sequence[int] = (1,),
    ) -> None:
        self.request = request
        self.record = record
        self.limit = load.most_in_flight
        self.moments = moments = planned_moments(load, seconds, most, seed)
        self.seconds = seconds if len(moments) != most else float(moments[-1]) / 1e9
        self.most_in_flight = 0
        self.under_way: dict[asyncio.Task[None], int] = {}
        self.mistake: BaseException | None = None
        self.start = self.last = perf_counter_ns()
        self.over = False

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """The requests that are under way."""
        return list(self.under_way)

    def offered(self) -> float:
        """Requests planned per second until now, those among them that could not be sent."""
        passed = min(self.seconds, (perf_counter_ns() - self.start) / 1e9)
        return int(np.searchsorted(self.moments, passed * 1e9, side="right")) / passed

    async def run(self) -> None:
        """Send every request at its moment, then wait for the last answer.

        It ends early when too many are under way. Raises what a request's record raised.
        """
        for moment in self.moments:
            planned = self.start + int(moment)
            # A timer may fire a tick of its clock too early; a request never starts too early.
            await asyncio.sleep(0)
            while (early := planned - perf_counter_ns()) > 0:
                await asyncio.sleep(early / 1e9)
            if self.over or self.mistake or len(self.under_way) >= self.limit:
                break
            task = asyncio.create_task(self.send(planned))
            self.under_way[task] = planned
            self.most_in_flight = max(self.most_in_flight, len(self.under_way))
            task.add_done_callback(self.finished)
        while self.under_way:
            await asyncio.wait(self.under_way)
        if self.mistake is not None:
            raise self.mistake

    async def send(self, planned: int) -> None:
        """Run one request; its latency counts from the planned moment, not from its start."""
        self.record.lateness.append(perf_counter_ns() - planned)
        failure, answer = await attempt(self.request)
        if not self.over:
            self.last = perf_counter_ns()
            self.record.keep(failure, answer, self.last - planned)

    def finished(self, task: asyncio.Task[None]) -> None:
        """Forget a task that has ended, but not the mistake it ended with."""
        del self.under_way[task]
        if not task.cancelled() and task.exception() is not None:
            self.mistake = task.exception()

    def close(self, patience: float | None) -> int:
        """Close the books; returns how many requests were unfinished (see `Workers.close`)."""
        self.over = True
        now = perf_counter_ns()
        for planned in self.under_way.values():
            if patience is not None:
                self.record.keep(f"not finished within {patience:g} s", None, now - planned)
        if self.under_way:
            self.last = now
        return len(self.under_way)

    def throughput(self, completed: int) -> float:
        """Requests per second, over the planned time or until the last answer if that was later."""
        spent = max(self.seconds, (self.last - self.start) / 1e9)
        return completed / spent


async def reached_rate(load: OpenLoop) -> float:
    """Requests per second that this client starts by itself when asked for those of `load`.

    A dry run of the same arrivals for a quarter of a second with requests that do nothing: the
    rate that is asked for, or less when the last of them started late.
    """

    async def nothing() -> None:
        return

    dry = Arrivals(nothing, load, TRY_SECONDS, Record())
    if not len(dry.moments):
        return load.rate
    run = asyncio.create_task(dry.run())
    try:
        await asyncio.wait([run], timeout=2 * TRY_SECONDS)
    finally:
        dry.over = True
        await give_up([run])
    spent = max(TRY_SECONDS, (dry.last - dry.start) / 1e9)
    return load.rate * dry.record.ended / len(dry.moments) * TRY_SECONDS / spent
