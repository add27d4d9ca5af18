"""Turns: every arm runs a short slice in each round, in an order that chance decides.

Only what is measured close together shares the machine's mood. Two long runs, one after the
other, drift apart; many short slices in turn do not, and need less time for the same certainty.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from labsupport.errors import LabError
from labsupport.measuring.conditions import Conditions
from labsupport.measuring.load import ClosedLoop, Load, OpenLoop, Request
from labsupport.measuring.open_loop import reached_rate
from labsupport.measuring.progress import Reporter
from labsupport.measuring.recording import Record
from labsupport.measuring.results import TIME_UP, Result, Slice
from labsupport.measuring.slices import run_slice
from labsupport.measuring.stopping import STOPPED, Stop, StoppedTooEarly, stop_on_interrupt

__all__ = ["COUNT_REACHED", "INTERVAL_REACHED", "Arm", "Rounds", "always", "run_rounds"]

INTERVAL_REACHED = "interval reached"
COUNT_REACHED = "all requests sent"
NOT_FINISHED = "requests did not finish"
TOO_MANY = "too many requests in flight"

TURNS = 10
"""A load by count is sent in so many turns, or fewer when clients would have none to send."""
TRIES = 3

Source = Callable[[], AbstractAsyncContextManager[Request]]
"""Opens what a request needs for one turn, and closes it after."""


def always(request: Request) -> Source:
    """A source for a request that needs nothing opened."""
    return lambda: nullcontext(request)


@dataclass(frozen=True)
class Arm:
    """One of the things that are compared: a request under a load.

    `source` opens the request for each turn; `warmup` seconds are sent before the first round,
    and `turn_warmup` seconds before each turn. None of that counts.
    """

    name: str
    source: Source
    load: Load
    warmup: float
    turn_warmup: float = 0.0


class Rounds:
    """What the rounds have shown so far: a record for each arm, and each round's order."""

    def __init__(self, arms: Sequence[Arm], seed: int, stop: Stop) -> None:
        self.arms = arms
        self.seed = seed
        self.stop = stop
        self.records = [Record() for _ in arms]
        self.orders: list[tuple[int, ...]] = []
        self.seconds = 0.0
        self.ended = TIME_UP

    @property
    def sentence(self) -> str:
        """How it went, in one short sentence that stays."""
        done = len(self.orders)
        many = f"{done} round{'s' if done != 1 else ''}"
        return f"{many} in {self.seconds:.1f} s; {self.ended}"

    def results(self, conditions: Conditions) -> list[Result]:
        """One `Result` for each arm, in the order of the arms."""
        return [
            record.result(
                arm.name,
                clients=arm.load.clients if isinstance(arm.load, ClosedLoop) else None,
                rate=arm.load.rate if isinstance(arm.load, OpenLoop) else None,
                ended=self.ended,
                conditions=conditions,
            )
            for arm, record in zip(self.arms, self.records, strict=True)
        ]

    async def warm_up(self, reporter: Reporter) -> None:
        """Run every arm for a moment that does not count."""
        for arm in self.arms:
            if arm.warmup and not self.stop.asked:
                reporter.report(0.0, f"warming up: {arm.name}")
                async with arm.source() as request:
                    await run_slice(request, arm.load, arm.warmup, Record(), stop=self.stop)

    async def turn(self, index: int, left: float) -> None:
        """Let one arm have its turn, and note why the run cannot go on, if so.

        `left` are the seconds that the run has left.
        """
        arm, record = self.arms[index], self.records[index]
        number = len(record.slices)
        most = self.count_of(arm.load, record)
        if most == 0:
            return
        async with arm.source() as request:
            if arm.turn_warmup:
                await run_slice(request, arm.load, arm.turn_warmup, Record(), stop=self.stop)
            if self.stop.asked:
                return
            part = await run_slice(
                request,
                arm.load,
                self.seconds_of(arm.load, left),
                record,
                most=most,
                # All arms have the same arrivals in the same round.
                seed=(self.seed, number),
                stop=self.stop,
            )
        self._note(arm.load, part)

    def _note(self, load: Load, part: Slice) -> None:
        if isinstance(load, OpenLoop) and (part.most_in_flight or 0) >= load.most_in_flight:
            self.ended = TOO_MANY
        elif part.unfinished:
            self.ended = NOT_FINISHED

    @property
    def all_sent(self) -> bool:
        """Whether every arm has sent as many requests as its load asks for."""
        pairs = zip(self.arms, self.records, strict=True)
        return all(arm.load.requests and record.ended >= arm.load.requests for arm, record in pairs)

    def in_one_piece(self, load: Load) -> bool:
        """Whether the load runs without turns: a queue in a single open loop needs time to grow."""
        return len(self.arms) == 1 and isinstance(load, OpenLoop)

    def count_of(self, load: Load, record: Record) -> int | None:
        """How many requests the next turn sends; None for a load by time."""
        if load.requests is None:
            return None
        clients = load.clients if isinstance(load, ClosedLoop) else 1
        turns = max(1, min(TURNS, load.requests // clients))
        share = load.requests if self.in_one_piece(load) else math.ceil(load.requests / turns)
        return min(share, load.requests - record.ended)

    def seconds_of(self, load: Load, left: float) -> float:
        """How long the next turn may last, when the run has so many seconds left."""
        if self.in_one_piece(load):
            return left
        return load.slice_seconds if load.requests is None else max(left, load.slice_seconds)


async def run_rounds(
    arms: Sequence[Arm],
    *,
    seconds: float,
    seed: int,
    reporter: Reporter,
    least: int = 1,
    enough: Callable[[Rounds], bool] = lambda rounds: False,
) -> Rounds:
    """Warm every arm up, then add rounds until `enough` says so or `seconds` have passed.

    At least `least` rounds are run. The seed decides every round's order. Requests that do not
    finish end the run with their round: the next slice would only wait for them again. An
    interrupt ends it at once and keeps what was measured. Raises LabError for a rate that this
    client cannot keep, or when nothing was measured before the interrupt.
    """
    opened = [arm.load for arm in arms if isinstance(arm.load, OpenLoop)]
    if opened:
        await _refuse_too_fast(max(opened, key=lambda load: load.rate))
    shuffler = random.Random(seed)
    with stop_on_interrupt() as stop:
        rounds = Rounds(arms, seed, stop)
        await rounds.warm_up(reporter)
        start = time.perf_counter()
        while rounds.ended == TIME_UP:
            order = shuffler.sample(range(len(arms)), len(arms))
            text = f"round {len(rounds.orders) + 1}"
            for index in order:
                if not stop.asked:
                    left = seconds - (time.perf_counter() - start)
                    async with reporter.ticking(seconds - left, seconds, text):
                        await rounds.turn(index, left)
            rounds.orders.append(tuple(order))
            rounds.seconds = time.perf_counter() - start
            done = len(rounds.orders)
            if stop.asked:
                rounds.ended = STOPPED
            elif rounds.ended == TIME_UP and rounds.all_sent:
                rounds.ended = COUNT_REACHED
            elif rounds.ended == TIME_UP and enough(rounds):
                rounds.ended = INTERVAL_REACHED
            # Another round is worth its time if most of it lies before the end.
            elif done >= least and rounds.seconds * (done + 0.5) / done > seconds:
                break
    if not any(record.slices for record in rounds.records):
        raise StoppedTooEarly
    return rounds


async def _refuse_too_fast(load: OpenLoop) -> None:
    """Raise LabError if this client cannot even send nothing at that rate, in several tries."""
    reached = 0.0
    for _ in range(TRIES):
        reached = max(reached, await reached_rate(load))
        if reached >= 0.8 * load.rate:
            return
    raise LabError(
        f"This client cannot send {load.rate:,.6g} requests a second: with requests that do "
        f"nothing it reached {reached:,.2g}. Choose a lower rate, or send from several processes."
    )
