"""What one load on one request showed: exact latencies, errors, slices and a verdict."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, Literal

from labsupport.measuring.arithmetic import Nanoseconds, percentile_ms, quartiles
from labsupport.measuring.conditions import Conditions
from labsupport.measuring.files import pack, read, unpack, write

__all__ = ["Result", "Slice", "Verdict", "judge_client"]

CLIENT_IS_FULL = 0.9


@dataclass(frozen=True)
class Slice:
    """A short stretch of one arm's run.

    `completed`, `failed`, `unfinished`: requests that succeeded, that raised an error, and (among
    those that failed) that were given up because they did not end.
    `throughput`: requests that succeeded, per second; see `Result.throughput`.
    `loop_lag_ms`: by how many ms the event loop was late.
    `client_cpu`: CPU time of this process over elapsed time; 1.0 is one whole core.
    """

    completed: int
    failed: int
    unfinished: int
    throughput: float
    loop_lag_ms: float
    client_cpu: float


@dataclass(frozen=True)
class Verdict:
    """Whether the client that measured, rather than the database, was the limit, and why."""

    limited_by: Literal["client", "not the client"]
    sentence: str


def judge_client(name: str, client_cpu: float) -> Verdict:
    """The verdict on a run during which this process took `client_cpu` of one core.

    One Python event loop runs on one core. When that core is full, the throughput is what this
    client can send and read, and says nothing about what the database could answer.
    """
    used = f"Python used {client_cpu:.0%} of one core for {name!r}"
    if client_cpu >= CLIENT_IS_FULL:
        return Verdict(
            "client", f"{used}: this client was the limit, and the database could do more."
        )
    return Verdict(
        "not the client",
        f"{used}, less than the {CLIENT_IS_FULL:.0%} at which this client counts as the limit.",
    )


@dataclass(frozen=True, eq=False)
class Result:
    """One request under one load.

    `latencies` are those of the requests that succeeded and `failed_latencies` those of the
    ones that failed: exact nanoseconds, shape (number of requests,), read only. `errors` counts
    the failed ones by the name of the exception.
    """

    name: str
    clients: int
    latencies: Nanoseconds = field(repr=False)
    failed_latencies: Nanoseconds = field(repr=False)
    errors: Mapping[str, int]
    slices: tuple[Slice, ...] = field(repr=False)
    conditions: Conditions = field(repr=False)

    @property
    def requests(self) -> int:
        """How many requests were sent, those that failed among them."""
        return len(self.latencies) + len(self.failed_latencies)

    @cached_property
    def throughput(self) -> float:
        """Requests that succeeded per second, the median of the slices.

        A slice's throughput is clients * completed / (sum over its workers of the time from the
        slice's start to the end of the worker's last request). A slice ends raggedly, one worker
        after the other, and this counts each worker's requests over that worker's own time, so
        neither the requests nor the waiting at the end are lost. Without errors it is Little's
        law for clients that never think: throughput = clients / mean latency (Little, "A Proof
        for the Queuing Formula: L = lambda W", Operations Research 9, 1961).
        """
        return self.throughput_quartiles[1]

    @cached_property
    def throughput_quartiles(self) -> tuple[float, float, float]:
        """Lower quartile, median and upper quartile of the slices' throughput, per second."""
        return quartiles([part.throughput for part in self.slices])

    def percentile(self, p: float) -> float | None:
        """The p-th percentile of the latencies in ms; None with fewer than 10 samples beyond it.

        Raises ValueError unless 0 < p < 100.
        """
        return percentile_ms(self.latencies, p)

    @cached_property
    def mean_ms(self) -> float | None:
        """The mean latency in ms, or None when no request succeeded."""
        return float(self.latencies.mean()) / 1e6 if len(self.latencies) else None

    @property
    def client_cpu(self) -> float:
        """The share of one core that this process used, the median of the slices."""
        return median(part.client_cpu for part in self.slices)

    @property
    def loop_lag_ms(self) -> float:
        """By how many ms the event loop was late, the median of the slices."""
        return median(part.loop_lag_ms for part in self.slices)

    def verdict(self) -> Verdict:
        """Whether this client was the limit."""
        return judge_client(self.name, self.client_cpu)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save as one JSON file; LabError when that is not possible."""
        conditions = self.conditions.to_payload()
        return write(path, "result", {"conditions": conditions, "result": self.to_payload()})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Result:
        """Read what `save` wrote; LabError when the file is broken or something else."""
        return read(
            path,
            "result",
            lambda content: cls.from_payload(
                content["result"], Conditions.from_payload(content["conditions"])
            ),
        )

    def to_payload(self) -> dict[str, Any]:
        """Everything but the conditions as plain values for a JSON file."""
        return {
            "name": self.name,
            "clients": self.clients,
            "errors": dict(self.errors),
            "slices": [asdict(part) for part in self.slices],
            "latencies": pack(self.latencies),
            "failed_latencies": pack(self.failed_latencies),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], conditions: Conditions) -> Result:
        """The result as `to_payload` wrote it."""
        return cls(
            name=payload["name"],
            clients=payload["clients"],
            latencies=unpack(payload["latencies"]),
            failed_latencies=unpack(payload["failed_latencies"]),
            errors=dict(payload["errors"]),
            slices=tuple(Slice(**part) for part in payload["slices"]),
            conditions=conditions,
        )
