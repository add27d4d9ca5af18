"""Throughput against concurrency: the same requests with one client, two, five and more."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from labsupport.measuring.conditions import Conditions, current_conditions
from labsupport.measuring.files import read, write
from labsupport.measuring.load import Request, check_clients, check_requests, check_seconds
from labsupport.measuring.lock import machine_lock
from labsupport.measuring.progress import Progress, Reporter
from labsupport.measuring.results import Result, Verdict, judge_client
from labsupport.measuring.rounds import Arm, run_rounds

__all__ = ["Sweep", "SweepPoint", "sweep"]

LEAST_ROUNDS = 3
SLICE_SECONDS = 0.25
WARMUP_SECONDS = 0.5


@dataclass(frozen=True)
class SweepPoint:
    """One arm with so many clients.

    `throughput` in requests per second is the median of the rounds, `lower` and `upper` are its
    quartiles; `p50_ms` and `p99_ms` are None with too few requests behind them; `requests` are
    all that were sent, `errors` those that failed by the name of the exception; `client_cpu` is
    the share of one core that this process used.
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

    def verdict(self) -> Verdict:
        """Whether this client was the limit at this point."""
        return judge_client(f"{self.arm}, {self.clients} clients", self.client_cpu)


@dataclass(frozen=True)
class Sweep:
    """Points in the order of the arms and of their clients; `rounds` that stand behind each.

    `seconds` is the measured time; `ended` says why it ended: "time was up" or "requests did
    not finish".
    """

    points: tuple[SweepPoint, ...]
    rounds: int
    seconds: float
    ended: str
    conditions: Conditions

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of the arms in their order."""
        return tuple(dict.fromkeys(point.arm for point in self.points))

    def of(self, arm: str) -> tuple[SweepPoint, ...]:
        """The points of one arm; none for a name that is not an arm."""
        return tuple(point for point in self.points if point.arm == arm)

    def table(self) -> pd.DataFrame:
        """A row for each arm and number of clients."""
        rows = [
            {
                "arm": point.arm,
                "clients": point.clients,
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
        frame = pd.DataFrame(rows).set_index(["arm", "clients"])
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
            points=tuple(SweepPoint(**point) for point in payload["points"]),
            rounds=payload["rounds"],
            seconds=payload["seconds"],
            ended=payload["ended"],
            conditions=Conditions.from_payload(payload["conditions"]),
        )


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
    with its largest number of clients. Waits for the measuring lock of this machine.
    Raises ValueError or TypeError for arguments that make no sense, LabError when the lock is
    not free.
    """
    check_requests(requests, least=1)
    check_seconds("seconds", seconds)
    check_seconds("patience", patience)
    plan = _plan(requests, clients)
    arms = [
        Arm(name, requests[name], count, WARMUP_SECONDS if count == max(counts) else 0.0)
        for name, counts in plan.items()
        for count in counts
    ]
    load = {"clients": plan, "seconds": seconds, "warmup": WARMUP_SECONDS}
    load |= {"slice_seconds": SLICE_SECONDS, "patience": patience}
    conditions = current_conditions(load, seed, facts)
    reporter = Reporter(progress)
    async with machine_lock(say=reporter.say):
        rounds = await run_rounds(
            arms,
            seconds=seconds,
            slice_seconds=SLICE_SECONDS,
            patience=patience,
            seed=seed,
            reporter=reporter,
            least=LEAST_ROUNDS,
        )
    reporter.finish(f"{len(arms)} points, {rounds.sentence}")
    points = tuple(_point(result) for result in rounds.results(conditions))
    return Sweep(points, len(rounds.orders), rounds.seconds, rounds.ended, conditions)


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


def _point(result: Result) -> SweepPoint:
    low, middle, high = result.throughput_quartiles
    return SweepPoint(
        arm=result.name,
        clients=result.clients,
        throughput=middle,
        lower=low,
        upper=high,
        p50_ms=result.percentile(50),
        p99_ms=result.percentile(99),
        requests=result.requests,
        errors=result.errors,
        client_cpu=result.client_cpu,
    )
