"""A and B under the same load: measured in turn, compared as a ratio of each round."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from labsupport.measuring.arithmetic import median_interval
from labsupport.measuring.conditions import Conditions, current_conditions
from labsupport.measuring.files import read, write
from labsupport.measuring.load import ClosedLoop, Request, check_requests
from labsupport.measuring.lock import machine_lock
from labsupport.measuring.progress import Progress, Reporter
from labsupport.measuring.results import Result, Verdict
from labsupport.measuring.rounds import Arm, Rounds, run_rounds

__all__ = ["Comparison", "Ratio", "compare", "measure"]

LEAST_ROUNDS = 7


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
    per_round = tuple(b / a for a, b in zip(base, other, strict=True) if a > 0)
    if not per_round:
        return Ratio(math.nan, math.nan, math.nan, (), 0)
    low, high = median_interval(per_round, seed)
    return Ratio(median(per_round), low, high, per_round, len(per_round))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several requests under one load.

    `results` by the arm's name, the baseline first; `orders` the arms in the order in which each
    round ran them; `seconds` the measured time; `ended` why it ended: "interval reached",
    "time was up" or "requests did not finish".
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
        """For each arm whether this client was its limit."""
        return {name: result.verdict() for name, result in self.results.items()}

    def verdict(self) -> Verdict:
        """Whether this client was the limit of any arm: then the true ratio is another one."""
        by_client = [v.sentence for v in self.limits.values() if v.limited_by == "client"]
        if by_client:
            return Verdict("client", " ".join(by_client))
        return Verdict("not the client", " ".join(v.sentence for v in self.limits.values()))

    def table(self) -> pd.DataFrame:
        """A row for each arm; NaN where too few requests stand behind a percentile."""
        rows = []
        for result in self.results.values():
            low, middle, high = result.throughput_quartiles
            rows.append(
                {
                    "requests": result.requests,
                    "errors": sum(result.errors.values()),
                    "throughput 1/s": middle,
                    "lower quartile 1/s": low,
                    "upper quartile 1/s": high,
                    "p50 ms": result.percentile(50),
                    "p95 ms": result.percentile(95),
                    "p99 ms": result.percentile(99),
                    "mean ms": result.mean_ms,
                }
            )
        frame = pd.DataFrame(rows, index=pd.Index(list(self.results), name="arm"))
        return frame.astype({column: float for column in frame.columns[2:]})

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
    load: ClosedLoop | None = None,
    *,
    name: str = "request",
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Put `load` on `request` until its seconds have passed.

    Waits for the measuring lock of this machine. Errors of the request are counted in the
    result. Raises TypeError when `request` cannot be called, LabError when the lock is not free.
    """
    load = load or ClosedLoop()
    check_requests({name: request}, least=1)
    rounds, conditions = await _run({name: request}, load, 1, facts, progress, precision=None)
    return rounds.results(conditions)[0]


async def compare(
    requests: Mapping[str, Request],
    load: ClosedLoop | None = None,
    *,
    precision: float = 0.10,
    seed: int = 1,
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Put `load` on each of `requests` in turn; the first one named is the baseline.

    Rounds are added until the 95 % interval of every ratio is at most plus or minus `precision`
    of its median, with 7 rounds or more, or until the load's seconds have passed. The `seed`
    decides the order in each round. Waits for the measuring lock of this machine.
    Raises ValueError or TypeError for arguments that make no sense, LabError when the lock is
    not free.
    """
    load = load or ClosedLoop()
    check_requests(requests, least=2)
    if not 0 < precision < 1:
        raise ValueError(f"precision lies between 0 and 1, 0.1 for 10 %; it is {precision!r}.")
    rounds, conditions = await _run(requests, load, seed, facts, progress, precision)
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
    load: ClosedLoop,
    seed: int,
    facts: Mapping[str, str] | None,
    progress: Progress | None,
    precision: float | None,
) -> tuple[Rounds, Conditions]:
    """What `measure` and `compare` have in common: the lock, the conditions and the rounds."""

    def narrow_enough(rounds: Rounds) -> bool:
        if precision is None or len(rounds.orders) < LEAST_ROUNDS:
            return False
        base, *others = [[s.throughput for s in record.slices] for record in rounds.records]
        return all(ratio_of(base, other, seed).half_width <= precision for other in others)

    reporter = Reporter(progress)
    conditions = current_conditions(asdict(load), seed, facts)
    arms = [Arm(name, request, load.clients, load.warmup) for name, request in requests.items()]
    async with machine_lock(say=reporter.say):
        rounds = await run_rounds(
            arms,
            seconds=load.seconds,
            slice_seconds=load.slice_seconds,
            patience=load.patience,
            seed=seed,
            reporter=reporter,
            enough=narrow_enough,
        )
    reporter.finish(rounds.sentence)
    return rounds, conditions
