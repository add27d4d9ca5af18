"""What one load on one request showed: exact latencies, errors, slices and a verdict."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from labsupport.measuring.arithmetic import Nanoseconds, percentile_ms, quartiles
from labsupport.measuring.conditions import Conditions
from labsupport.measuring.files import pack, read, read_only, unpack, write
from labsupport.measuring.timeline import TimeLine
from labsupport.measuring.verdicts import Evidence, Verdict, judge

__all__ = ["TIME_UP", "Result", "Slice", "table_of"]

TIME_UP = "time was up"


@dataclass(frozen=True)
class Slice:
    """A short stretch of one arm's run.

    `completed`, `failed`, `unfinished`: requests that succeeded, that raised an error, and (among
    those that failed) that were given up because they did not end.
    `throughput`: requests that succeeded, per second; see `Result.throughput`.
    `loop_lag_ms`: by how many ms the event loop was late.
    `client_cpu`: CPU time of this process over elapsed time; 1.0 is one whole core.
    `waiting_for_cpu`: the share of the time that this client was ready to run but had no CPU;
    None where the system does not say so.
    `offered`: requests per second that were planned, None in a closed loop.
    `most_in_flight`: the most requests that were under way at once, None if not recorded.
    `mean_ms`: mean latency of the requests that succeeded, None without any.
    """

    completed: int
    failed: int
    unfinished: int
    throughput: float
    loop_lag_ms: float
    client_cpu: float
    waiting_for_cpu: float | None = None
    offered: float | None = None
    most_in_flight: int | None = None
    mean_ms: float | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """One request under one load.

    `clients`: how many sent requests at the same time, or None in an open loop; `rate`: the
    requests per second that were asked for, or None in a closed loop.
    `latencies` are those of the requests that succeeded and `failed_latencies` those of the
    ones that failed: exact nanoseconds, shape (number of requests,), read only; in an open loop
    from the planned moment. `errors` counts the failed ones by the name of the exception.
    `lateness`: by how much each request of an open loop was sent too late by this client, in the
    order of the sending; none in a closed loop.
    `parts`: "wait", "use" and "connect" of the requests that succeeded and report them, in the
    order of `latencies`.
    `ended`: why the run ended, such as "time was up" or "stopped".
    `time_line`: what was seen meanwhile by whom `measure(..., watch=...)` let look on.
    """

    name: str
    clients: int | None
    latencies: Nanoseconds = field(repr=False)
    failed_latencies: Nanoseconds = field(repr=False)
    errors: Mapping[str, int]
    slices: tuple[Slice, ...] = field(repr=False)
    conditions: Conditions = field(repr=False)
    rate: float | None = None
    lateness: Nanoseconds = field(default_factory=lambda: read_only([]), repr=False)
    parts: Mapping[str, Nanoseconds] = field(default_factory=dict, repr=False)
    ended: str = TIME_UP
    time_line: TimeLine | None = field(default=None, repr=False)

    @property
    def load_words(self) -> str:
        """The load for a title: "10 clients" or "500 requests a second"."""
        if self.clients is not None:
            return f"{self.clients} client{'s' if self.clients != 1 else ''}"
        return f"{self.rate:,.6g} requests a second"

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
        return _middle(part.client_cpu for part in self.slices) or 0.0

    @property
    def waiting_for_cpu(self) -> float | None:
        """The share of the time this client waited for a CPU; None where that is not known."""
        return _middle(part.waiting_for_cpu for part in self.slices)

    @property
    def loop_lag_ms(self) -> float:
        """By how many ms the event loop was late, the median of the slices."""
        return _middle(part.loop_lag_ms for part in self.slices) or 0.0

    @property
    def offered(self) -> float | None:
        """Requests per second that were planned, the median of the slices; None when closed."""
        return _middle(part.offered for part in self.slices)

    @property
    def most_in_flight(self) -> int | None:
        """The most requests that were under way at once."""
        known = [part.most_in_flight for part in self.slices if part.most_in_flight is not None]
        return max(known, default=None)

    @cached_property
    def lateness_ms(self) -> float | None:
        """By how many ms requests were sent too late on average; None in a closed loop."""
        return float(self.lateness.mean()) / 1e6 if len(self.lateness) else None

    def part_ms(self, part: str) -> float | None:
        """The mean of a part ("wait", "use", "connect") in ms; None where it is not reported."""
        durations = self.parts.get(part)
        return float(durations.mean()) / 1e6 if durations is not None else None

    @property
    def evidence(self) -> Evidence:
        """The figures that the verdict rests on."""
        reported = self.parts.get("wait", self.parts.get("use"))
        waited = float(np.sum(self.parts.get("wait", 0)))
        total = float(self.latencies.sum())
        return Evidence(
            client_cpu=self.client_cpu,
            waiting_for_cpu=self.waiting_for_cpu,
            loop_lag_ms=self.loop_lag_ms,
            mean_ms=self.mean_ms,
            wait_share=waited / total if reported is not None and total else None,
            throughput=self.throughput,
            offered=self.offered,
            lateness_ms=self.lateness_ms,
            failed_share=len(self.failed_latencies) / self.requests if self.requests else 0.0,
        )

    def verdict(self) -> Verdict:
        """What was the limit: client, pool, server or the arrivals, with the evidence."""
        return judge(self.name, self.evidence)

    def table(self) -> pd.DataFrame:
        """One row: see `table_of`."""
        return table_of({self.name: self})

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
            "rate": self.rate,
            "ended": self.ended,
            "errors": dict(self.errors),
            "slices": [asdict(part) for part in self.slices],
            "latencies": pack(self.latencies),
            "failed_latencies": pack(self.failed_latencies),
            "lateness": pack(self.lateness),
            "parts": {name: pack(durations) for name, durations in self.parts.items()},
            "time_line": None if self.time_line is None else self.time_line.to_payload(),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], conditions: Conditions) -> Result:
        """The result as `to_payload` wrote it; files of version 1 lack what came later."""
        lateness, line = payload.get("lateness"), payload.get("time_line")
        return cls(
            name=payload["name"],
            clients=payload["clients"],
            latencies=unpack(payload["latencies"]),
            failed_latencies=unpack(payload["failed_latencies"]),
            errors=dict(payload["errors"]),
            slices=tuple(Slice(**part) for part in payload["slices"]),
            conditions=conditions,
            rate=payload.get("rate"),
            lateness=read_only([]) if lateness is None else unpack(lateness),
            parts={name: unpack(packed) for name, packed in payload.get("parts", {}).items()},
            ended=payload.get("ended", TIME_UP),
            time_line=None if line is None else TimeLine.from_payload(line),
        )


def _middle(values: Iterable[float | None]) -> float | None:
    """The median of the values that are known; None when none is."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def table_of(results: Mapping[str, Result]) -> pd.DataFrame:
    """A row for each result; NaN where too few requests stand behind a percentile.

    Columns that no result has are left out: the mean wait, use and connect time, and what an open
    loop was offered and by how much it sent too late.
    """
    rows = []
    for result in results.values():
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
                "wait ms": result.part_ms("wait"),
                "use ms": result.part_ms("use"),
                "connect ms": result.part_ms("connect"),
                "offered 1/s": result.offered,
                "sent late ms": result.lateness_ms,
            }
        )
    frame = pd.DataFrame(rows, index=pd.Index(list(results), name="arm"))
    frame = frame.astype({column: float for column in frame.columns[2:]})
    seldom = ["wait ms", "use ms", "connect ms", "offered 1/s", "sent late ms"]
    return frame.drop(columns=[name for name in seldom if frame[name].isna().all()])
