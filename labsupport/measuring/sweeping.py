"""One thing made larger and larger: clients, a pool's size, a round trip, an arrival rate."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from labsupport.measuring.conditions import Conditions, current_conditions
from labsupport.measuring.files import read, write
from labsupport.measuring.knees import Knee, by_latency, by_throughput
from labsupport.measuring.load import (
    ClosedLoop,
    Load,
    Request,
    check_clients,
    check_requests,
    check_seconds,
    describe,
)
from labsupport.measuring.lock import machine_lock
from labsupport.measuring.progress import Progress, Reporter
from labsupport.measuring.results import Result
from labsupport.measuring.rounds import Arm, always, run_rounds
from labsupport.measuring.verdicts import Evidence, Verdict, judge

__all__ = ["CLIENTS", "Make", "Sweep", "SweepPoint", "sweep", "sweep_over"]

LEAST_ROUNDS = 3
SLICE_SECONDS = 0.25
WARMUP_SECONDS = 0.5
TURN_WARMUP_SECONDS = 0.1
CLIENTS = "clients"

Make = Callable[[float], AbstractAsyncContextManager[Request]]
"""`make(value)`: an `async` context manager that gives the request to measure at that value."""


@dataclass(frozen=True)
class SweepPoint:
    """One arm at one value.

    `clients` that sent requests at the same time, 0 in an open loop; `value` on the sweep's axis,
    None when that is the clients.
    `throughput` in requests per second is the median of the rounds, `lower` and `upper` are its
    quartiles; `p50_ms` and `p99_ms` are None with too few requests behind them; `requests` are
    all that were sent, `errors` those that failed by the name of the exception; `client_cpu` is
    the share of one core that this process used, `evidence` what else the verdict rests on.
    `rates` and `means_ms`: throughput and mean latency of each round, None without an answer.
    """

    arm: str
    clients: int
    throughput: float
    lower: float
    upper: float
    p50_ms: float | None
    p99_ms: float | None
    requests: int
    errors: Mapping[str, int]
    client_cpu: float
    value: float | None = None
    offered: float | None = None
    evidence: Evidence | None = None
    rates: tuple[float, ...] = ()
    means_ms: tuple[float | None, ...] = ()

    @property
    def at(self) -> float:
        """The value on the sweep's axis."""
        return self.clients if self.value is None else self.value

    def verdict(self, over: str = CLIENTS) -> Verdict:
        """What the limit was at this point of a sweep `over` something."""
        mean_ms = next((mean for mean in self.means_ms if mean is not None), self.p50_ms)
        seen = self.evidence or Evidence(self.client_cpu, mean_ms=mean_ms)
        return judge(f"{self.arm}, {self.at:g} {over}", seen)


@dataclass(frozen=True)
class Sweep:
    """Points in the order of the arms and of their values; `rounds` that stand behind each.

    `seconds` is the measured time; `ended` says why it ended: "time was up", "requests did
    not finish", "too many requests in flight" or "stopped". `over` names what was made larger.
    """

    points: tuple[SweepPoint, ...]
    rounds: int
    seconds: float
    ended: str
    conditions: Conditions
    over: str = CLIENTS

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms in their order."""
        return tuple(dict.fromkeys(point.arm for point in self.points))

    def of(self, arm: str) -> tuple[SweepPoint, ...]:
        """The points of one arm; none for a name that is not an arm."""
        return tuple(point for point in self.points if point.arm == arm)

    def knee(self, arm: str | None = None) -> Knee | None:
        """Where more gains little, of one arm or of the first: see `knees` for the rules.

        By throughput; in an open loop, where throughput is what arrives, by latency. None when
        no request succeeded. Raises ValueError for a name that is not an arm.
        """
        chosen = self.arms[0] if arm is None else arm
        points = self.of(chosen)
        if not points:
            raise ValueError(f"There is no arm {chosen!r}; there are {', '.join(self.arms)}.")
        values, seed = [point.at for point in points], self.conditions.seed
        rounds = min(len(point.rates) for point in points)
        if points[0].offered is not None:
            means = [point.means_ms[:rounds] for point in points]
            return by_latency(values, np.array(means, dtype=np.float64), seed)
        rates = [point.rates[:rounds] or (point.throughput,) for point in points]
        return by_throughput(values, np.array(rates, dtype=np.float64), seed)

    def table(self) -> pd.DataFrame:
        """A row for each arm and value."""
        rows = [
            {
                "arm": point.arm,
                self.over: point.at,
                "requests": point.requests,
                "errors": sum(point.errors.values()),
                "throughput 1/s": point.throughput,
                "lower quartile 1/s": point.lower,
                "upper quartile 1/s": point.upper,
                "p50 ms": point.p50_ms,
                "p99 ms": point.p99_ms,
            }
            for point in self.points
        ]
        frame = pd.DataFrame(rows).set_index(["arm", self.over])
        return frame.astype({column: float for column in frame.columns[2:]})

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save as one JSON file; LabError when that is not possible."""
        return write(path, "sweep", asdict(self))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sweep:
        """Read what `save` wrote; LabError when the file is broken or something else."""
        return read(path, "sweep", cls._from_payload)

    @classmethod
    def _from_payload(cls, payload: Mapping[str, Any]) -> Sweep:
        return cls(
            points=tuple(_point_from(point) for point in payload["points"]),
            rounds=payload["rounds"],
            seconds=payload["seconds"],
            ended=payload["ended"],
            conditions=Conditions.from_payload(payload["conditions"]),
            over=payload.get("over", CLIENTS),
        )


def _point_from(payload: Mapping[str, Any]) -> SweepPoint:
    """A point as it stands in a file; files of version 1 lack what came later."""
    later: dict[str, Any] = {name: tuple(payload.get(name, ())) for name in ("rates", "means_ms")}
    if payload.get("evidence") is not None:
        later["evidence"] = Evidence(**payload["evidence"])
    return SweepPoint(**{**payload, **later})


async def sweep(
    requests: Mapping[str, Request],
    clients: Mapping[str, Sequence[int]] | Sequence[int],
    *,
    seconds: float = 9.0,
    patience: float = 10.0,
    seed: int = 1,
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Measure each request with each number of clients, for all arms alike or for each its own.

    A round gives every point a slice of 0.25 s, in an order that the `seed` decides. There are
    3 rounds or more, and further ones until `seconds` have passed. Each arm is warmed up
    with its largest number of clients. Waits for the measuring lock of this machine; an
    interrupt ends it and keeps what was measured.
    Raises ValueError or TypeError for arguments that make no sense, LabError when the lock is
    not free.
    """
    check_requests(requests, least=1)
    check_seconds("seconds", seconds)
    check_seconds("patience", patience)
    plan = _plan(requests, clients)
    shared: dict[str, Any] = {
        "seconds": seconds,
        "slice_seconds": SLICE_SECONDS,
        "patience": patience,
    }
    arms = [
        Arm(
            name,
            always(requests[name]),
            ClosedLoop(clients=count, **shared),
            WARMUP_SECONDS if count == max(counts) else 0.0,
        )
        for name, counts in plan.items()
        for count in counts
    ]
    load = {"clients": plan, "warmup": WARMUP_SECONDS, **shared}
    values = [None] * len(arms)
    return await _sweep(CLIENTS, arms, values, load, seconds, seed, facts, progress)


async def sweep_over(
    over: str,
    values: Sequence[float],
    make: Make | Mapping[str, Make],
    load: Load | Callable[[float], Load] | None = None,
    *,
    seconds: float = 9.0,
    seed: int = 1,
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Measure a request at each of `values` of anything: `over` says what, with its unit.

    `make(value)` is an `async` context manager that gives the request; it is opened for each
    turn, used for 0.1 s that do not count, measured for the load's slice and closed again, so
    that no two are open at once. Several arms are a mapping of names to makers. `load` is one
    for all values, or a function of the value: `lambda rate: OpenLoop(rate)` sweeps over arrival
    rates. Otherwise as `sweep`.
    Raises ValueError or TypeError for arguments that make no sense, LabError when the lock is not
    free or this client cannot keep a rate; what `make` raises goes through.
    """
    makers = make if isinstance(make, Mapping) else {"request": make}
    check_requests(makers, least=1)
    check_seconds("seconds", seconds)
    if not len(values):
        raise ValueError(f"There are no values of {over}; give one or more.")
    rising = sorted(set(values))
    chosen = load or ClosedLoop()
    loads = {value: chosen(value) if callable(chosen) else chosen for value in rising}
    pairs = [(name, value) for name in makers for value in rising]
    arms = [
        Arm(name, partial(makers[name], value), loads[value], 0.0, TURN_WARMUP_SECONDS)
        for name, value in pairs
    ]
    settings = {"over": over, "loads": {f"{value:g}": describe(loads[value]) for value in rising}}
    axis = [value for _, value in pairs]
    return await _sweep(over, arms, axis, settings, seconds, seed, facts, progress)


async def _sweep(
    over: str,
    arms: Sequence[Arm],
    values: Sequence[float | None],
    load: Mapping[str, Any],
    seconds: float,
    seed: int,
    facts: Mapping[str, str] | None,
    progress: Progress | None,
) -> Sweep:
    """What the sweeps have in common: the lock, the conditions, the rounds and the points."""
    conditions = current_conditions(load, seed, facts)
    reporter = Reporter(progress)
    async with machine_lock(say=reporter.say):
        rounds = await run_rounds(
            arms, seconds=seconds, seed=seed, reporter=reporter, least=LEAST_ROUNDS
        )
    reporter.finish(f"{len(arms)} points, {rounds.sentence}")
    pairs = zip(rounds.results(conditions), values, strict=True)
    # A sweep that was stopped in its first round has not come to every point.
    points = tuple(_point(result, value) for result, value in pairs if result.slices)
    return Sweep(points, len(rounds.orders), rounds.seconds, rounds.ended, conditions, over)


def _plan(
    requests: Mapping[str, Request], clients: Mapping[str, Sequence[int]] | Sequence[int]
) -> dict[str, list[int]]:
    """Each arm's numbers of clients, rising and without doubles."""
    if isinstance(clients, Mapping):
        if set(clients) != set(requests):
            raise ValueError(
                "clients must name the same arms as requests: "
                f"{', '.join(requests)}; it names {', '.join(clients)}."
            )
        chosen = {name: clients[name] for name in requests}
    else:
        chosen = {name: clients for name in requests}
    for name, counts in chosen.items():
        if not counts:
            raise ValueError(f"There is no number of clients for {name!r}; give one or more.")
        for count in counts:
            check_clients(count)
    return {name: sorted(set(counts)) for name, counts in chosen.items()}


def _point(result: Result, value: float | None) -> SweepPoint:
    low, middle, high = result.throughput_quartiles
    return SweepPoint(
        arm=result.name,
        clients=result.clients or 0,
        throughput=middle,
        lower=low,
        upper=high,
        p50_ms=result.percentile(50),
        p99_ms=result.percentile(99),
        requests=result.requests,
        errors=result.errors,
        client_cpu=result.client_cpu,
        value=value,
        offered=result.offered,
        evidence=result.evidence,
        rates=tuple(part.throughput for part in result.slices),
        means_ms=tuple(part.mean_ms for part in result.slices),
    )
