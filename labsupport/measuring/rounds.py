"""Turns: every arm runs a short slice in each round, in an order that chance decides.

Only what is measured close together shares the machine's mood. Two long runs, one after the
other, drift apart; many short slices in turn do not, and need less time for the same certainty.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labsupport.measuring.closed_loop import Record, run_slice
from labsupport.measuring.conditions import Conditions
from labsupport.measuring.files import read_only
from labsupport.measuring.load import Request
from labsupport.measuring.progress import Reporter
from labsupport.measuring.results import Result

__all__ = ["INTERVAL_REACHED", "NOT_FINISHED", "TIME_UP", "Arm", "Rounds", "run_rounds"]

INTERVAL_REACHED = "interval reached"
TIME_UP = "time was up"
NOT_FINISHED = "requests did not finish"


@dataclass(frozen=True)
class Arm:
    """One of the things that are compared: a request sent by so many clients."""

    name: str
    request: Request
    clients: int
    warmup: float


class Rounds:
    """What the rounds have shown so far: a record for each arm, and each round's order."""

    def __init__(self, arms: Sequence[Arm]) -> None:
        self.arms = arms
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
            Result(
                name=arm.name,
                clients=arm.clients,
                latencies=read_only(record.latencies),
                failed_latencies=read_only(record.failed_latencies),
                errors=dict(record.errors),
                slices=tuple(record.slices),
                conditions=conditions,
            )
            for arm, record in zip(self.arms, self.records, strict=True)
        ]


async def run_rounds(
    arms: Sequence[Arm],
    *,
    seconds: float,
    slice_seconds: float,
    patience: float,
    seed: int,
    reporter: Reporter,
    least: int = 1,
    enough: Callable[[Rounds], bool] = lambda rounds: False,
) -> Rounds:
    """Warm every arm up, then add rounds until `enough` says so or `seconds` have passed.

    At least `least` rounds are run. The seed decides every round's order. Requests that do not
    finish end the run with their round: the next slice would only wait for them again.
    """
    for arm in arms:
        if arm.warmup:
            reporter.report(0.0, f"warming up: {arm.name}")
            await run_slice(arm.request, arm.clients, arm.warmup, patience, Record())
    shuffler = random.Random(seed)
    rounds = Rounds(arms)
    start = time.perf_counter()
    while rounds.ended == TIME_UP:
        order = shuffler.sample(range(len(arms)), len(arms))
        for index in order:
            arm, record = arms[index], rounds.records[index]
            part = await run_slice(arm.request, arm.clients, slice_seconds, patience, record)
            if part.unfinished:
                rounds.ended = NOT_FINISHED
            elapsed = time.perf_counter() - start
            count = f"round {len(rounds.orders) + 1}"
            reporter.report(elapsed / seconds, f"{count}, {elapsed:.0f} of {seconds:g} s")
        rounds.orders.append(tuple(order))
        rounds.seconds = time.perf_counter() - start
        if rounds.ended == TIME_UP and enough(rounds):
            rounds.ended = INTERVAL_REACHED
        done = len(rounds.orders)
        # Another round is worth its time if most of it lies before the end.
        if done >= least and rounds.seconds * (done + 0.5) / done > seconds:
            break
    return rounds
