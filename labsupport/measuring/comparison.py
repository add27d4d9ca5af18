"""A and B under the same load: measured in turn, compared as a ratio of each round."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Protocol

import pandas as pd

from labsupport.measuring.arithmetic import median_interval
from labsupport.measuring.conditions import Conditions, current_conditions
from labsupport.measuring.files import read, write
from labsupport.measuring.load import ClosedLoop, Load, Request, check_requests, describe
from labsupport.measuring.lock import machine_lock
from labsupport.measuring.progress import Progress, Reporter
from labsupport.measuring.results import Result, table_of
from labsupport.measuring.rounds import Arm, Rounds, always, run_rounds
from labsupport.measuring.timeline import TimeLine
from labsupport.measuring.verdicts import Verdict, judge_all

__all__ = ["Comparison", "Ratio", "compare", "measure"]

LEAST_ROUNDS = 7


class Onlooker(Protocol):
    """Something that looks on while a load runs: an `async` context manager with a `line`."""

    async def __aenter__(self) -> object:
        """Begin to look on."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None:
        """Stop looking on."""

    @property
    def line(self) -> TimeLine:
        """What was seen, afterwards."""


@dataclass(frozen=True)
class Ratio:
    """How many times the baseline's throughput an arm reached.

    `median` of the rounds, `low` and `high` ends of its 95 % interval, the ratio `per_round`,
    and how many `rounds` that were. A round in which the baseline completed nothing has no
    ratio and is left out; without any round all three figures are NaN.
    """

    median: float
    low: float
    high: float
    per_round: tuple[float, ...]
    rounds: int

    @property
    def half_width(self) -> float:
        """Half the interval's width relative to the median: 0.1 reads as plus or minus 10 %."""
        return (self.high - self.low) / 2 / self.median if self.median > 0 else math.inf


def ratio_of(base: Sequence[float], other: Sequence[float], seed: int) -> Ratio:
    """The ratio other / base of throughputs per round, with its interval."""
    # A run that was stopped in the middle of a round lacks some arms' last slice.
    per_round = tuple(b / a for a, b in zip(base, other, strict=False) if a > 0)
    if not per_round:
        return Ratio(math.nan, math.nan, math.nan, (), 0)
    low, high = median_interval(per_round, seed)
    return Ratio(median(per_round), low, high, per_round, len(per_round))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several requests under one load.

    `results` by the arm's name, the baseline first; `orders` the arms in the order in which each
    round ran them; `seconds` the measured time; `ended` why it ended: "interval reached",
    "time was up", "all requests sent", "requests did not finish", "too many requests in flight" or
    "stopped".
    """

    results: Mapping[str, Result]
    orders: tuple[tuple[str, ...], ...]
    seconds: float
    ended: str
    conditions: Conditions

    @property
    def baseline(self) -> str:
        """The name of the first arm, to which the others are compared."""
        return next(iter(self.results))

    @cached_property
    def ratios(self) -> Mapping[str, Ratio]:
        """The ratio of every arm but the baseline."""
        rates = {
            name: [part.throughput for part in result.slices]
            for name, result in self.results.items()
        }
        return {
            name: ratio_of(rates[self.baseline], rate, self.conditions.seed)
            for name, rate in rates.items()
            if name != self.baseline
        }

    def ratio(self, name: str | None = None) -> Ratio:
        """throughput(name) / throughput(baseline), per round; without a name, the second arm's.

        Raises ValueError for a name that is not one of the other arms.
        """
        chosen = next(iter(self.ratios)) if name is None else name
        if chosen not in self.ratios:
            others = ", ".join(repr(other) for other in self.ratios)
            raise ValueError(f"There is no ratio of {chosen!r}; the baseline is compared {others}.")
        return self.ratios[chosen]

    @property
    def limits(self) -> Mapping[str, Verdict]:
        """What the limit of each arm was."""
        return {name: result.verdict() for name, result in self.results.items()}

    def verdict(self) -> Verdict:
        """What the limit was; "client" if it was that of any arm: the true ratio is another one."""
        return judge_all(self.limits.values())

    def conclusion(self, name: str | None = None) -> str:
        """What the ratio says in one sentence, or why nothing can be concluded from it.

        Raises ValueError for a name that is not one of the other arms.
        """
        chosen = next(iter(self.ratios)) if name is None else name
        ratio, verdict = self.ratio(chosen), self.verdict_on(chosen)
        if math.isnan(ratio.median):
            return f"No conclusion: {verdict.sentence}"
        seen = f"{ratio.median:.3g} times ({ratio.low:.3g} to {ratio.high:.3g})"
        if not verdict.concludes:
            return f"No conclusion about the database from {seen}: {verdict.sentence}"
        return (
            f"{chosen!r} answered {seen} as many requests a second as {self.baseline!r}, "
            f"in {ratio.rounds} rounds."
        )

    def verdict_on(self, name: str) -> Verdict:
        """The verdict on the baseline and one other arm, between which a ratio stands."""
        limits = self.limits
        return judge_all([limits[self.baseline], limits[name]])

    def table(self) -> pd.DataFrame:
        """A row for each arm: see `results.table_of`."""
        return table_of(self.results)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save as one JSON file; LabError when that is not possible."""
        payload = {
            "conditions": self.conditions.to_payload(),
            "seconds": self.seconds,
            "ended": self.ended,
            "orders": self.orders,
            "results": [result.to_payload() for result in self.results.values()],
        }
        return write(path, "comparison", payload)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Comparison:
        """Read what `save` wrote; LabError when the file is broken or something else."""
        return read(path, "comparison", cls._from_payload)

    @classmethod
    def _from_payload(cls, payload: Mapping[str, Any]) -> Comparison:
        conditions = Conditions.from_payload(payload["conditions"])
        results = [Result.from_payload(part, conditions) for part in payload["results"]]
        return cls(
            results={result.name: result for result in results},
            orders=tuple(tuple(order) for order in payload["orders"]),
            seconds=payload["seconds"],
            ended=payload["ended"],
            conditions=conditions,
        )


async def measure(
    request: Request,
    load: Load | None = None,
    *,
    name: str = "request",
    seed: int = 1,
    watch: Onlooker | None = None,
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Put `load` on `request` until its seconds have passed or its requests are sent.

    The `seed` decides an open loop's random arrivals. `watch` looks on meanwhile (see
    `samples.watch`), and the result keeps its time line. Waits for the measuring lock of this
    machine. Errors of the request are counted in the result; an interrupt ends the run and keeps
    what was measured. Raises TypeError when `request` cannot be called, LabError when the lock
    is not free or the load is an open one whose rate this client cannot keep.
    """
    load = load or ClosedLoop()
    check_requests({name: request}, least=1)
    looking: AbstractAsyncContextManager[object] = watch or nullcontext()
    rounds, conditions = await _run({name: request}, load, seed, facts, progress, None, looking)
    result = rounds.results(conditions)[0]
    return replace(result, time_line=watch.line) if watch is not None else result


async def compare(
    requests: Mapping[str, Request],
    load: Load | None = None,
    *,
    precision: float = 0.10,
    seed: int = 1,
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Put `load` on each of `requests` in turn; the first one named is the baseline.

    Rounds are added until the 95 % interval of every ratio is at most plus or minus `precision`
    of its median, with 7 rounds or more, or until the load's seconds have passed. A load by count
    ends when its requests are sent. The `seed` decides the order in each round and an open loop's
    random arrivals. Waits for the measuring lock of this machine; an interrupt ends the run and
    keeps what was measured. Raises ValueError or TypeError for arguments that make no sense,
    LabError when the lock is not free or an open loop's rate is too high for this client.
    """
    load = load or ClosedLoop()
    check_requests(requests, least=2)
    if not 0 < precision < 1:
        raise ValueError(f"precision lies between 0 and 1, 0.1 for 10 %; it is {precision!r}.")
    rounds, conditions = await _run(requests, load, seed, facts, progress, precision, nullcontext())
    names = list(requests)
    return Comparison(
        results=dict(zip(names, rounds.results(conditions), strict=True)),
        orders=tuple(tuple(names[index] for index in order) for order in rounds.orders),
        seconds=rounds.seconds,
        ended=rounds.ended,
        conditions=conditions,
    )


async def _run(
    requests: Mapping[str, Request],
    load: Load,
    seed: int,
    facts: Mapping[str, str] | None,
    progress: Progress | None,
    precision: float | None,
    looking: AbstractAsyncContextManager[object],
) -> tuple[Rounds, Conditions]:
    """What `measure` and `compare` have in common: the lock, the conditions and the rounds."""

    def narrow_enough(rounds: Rounds) -> bool:
        if precision is None or load.requests is not None or len(rounds.orders) < LEAST_ROUNDS:
            return False
        base, *others = [[s.throughput for s in record.slices] for record in rounds.records]
        return all(ratio_of(base, other, seed).half_width <= precision for other in others)

    reporter = Reporter(progress)
    conditions = current_conditions(describe(load), seed, facts)
    arms = [Arm(name, always(request), load, load.warmup) for name, request in requests.items()]
    async with machine_lock(say=reporter.say), looking:
        rounds = await run_rounds(
            arms, seconds=load.seconds, seed=seed, reporter=reporter, enough=narrow_enough
        )
    reporter.finish(rounds.sentence)
    return rounds, conditions
