"""The pool's numbers under OpenTelemetry's names, and in Prometheus' text format.

Names, units and meanings follow OpenTelemetry's semantic conventions for database client pools
(https://opentelemetry.io/docs/specs/semconv/database/database-metrics/).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Literal

from .durations import BOUNDS, DurationSummary
from .pool import DatabasePool

__all__ = ["Metric", "pool_metrics", "prometheus_text"]

STATE = "db.client.connection.state"
POOL_NAME = "db.client.connection.pool.name"


@dataclass(frozen=True)
class Metric:
    """One metric of a pool at one moment."""

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    unit: str
    """`{connection}`, `{request}` or `{timeout}` for counts, `s` for seconds."""
    meaning: str
    points: tuple[tuple[dict[str, str], float | DurationSummary], ...]
    """Attributes and value. A histogram's value is a `DurationSummary`."""


def pool_metrics(pool: DatabasePool, name: str = "pool") -> list[Metric]:
    """Return the metrics of a pool; `name` tells pools apart and becomes an attribute."""
    stats = pool.get_pool_stats()
    mine = {POOL_NAME: name}

    def gauge(suffix: str, unit: str, meaning: str, value: float) -> Metric:
        return Metric(f"db.client.connection.{suffix}", "gauge", unit, meaning, ((mine, value),))

    def histogram(suffix: str, meaning: str) -> Metric:
        points = ((mine, stats[suffix]),)
        return Metric(f"db.client.connection.{suffix}", "histogram", "s", meaning, points)

    return [
        Metric(
            "db.client.connection.count",
            "gauge",
            "{connection}",
            "Open connections by state.",
            (
                ({**mine, STATE: "idle"}, stats["idle_count"]),
                ({**mine, STATE: "used"}, stats["acquired_count"]),
            ),
        ),
        gauge("max", "{connection}", "The most connections allowed.", stats["max_size"]),
        gauge("idle.min", "{connection}", "The connections kept open.", stats["min_size"]),
        gauge("pending_requests", "{request}", "Requests that wait.", stats["queue_size"]),
        Metric(
            "db.client.connection.timeouts",
            "counter",
            "{timeout}",
            "Requests that got no connection in time.",
            ((mine, stats["timeouts"]),),
        ),
        histogram("create_time", "Time to open a new connection."),
        histogram("wait_time", "Time from asking for a connection until having it."),
        histogram("use_time", "Time from having a connection until giving it back."),
    ]


def prometheus_text(metrics: list[Metric]) -> str:
    """Return the metrics as a Prometheus server reads them (text format 0.0.4).

    Names are written as OpenTelemetry's exporter does it: `_` for dots, `_seconds` for the unit
    and `_total` for counters.
    """
    endings = {"gauge": "", "counter": "_total", "histogram": "_seconds"}
    lines: list[str] = []
    for metric in metrics:
        name = metric.name.replace(".", "_") + endings[metric.kind]
        lines += [f"# HELP {name} {metric.meaning}", f"# TYPE {name} {metric.kind}"]
        for attributes, value in metric.points:
            if isinstance(value, DurationSummary):
                lines += _histogram_lines(name, attributes, value)
            else:
                lines.append(f"{name}{_labels(attributes)} {value}")
    return "\n".join(lines) + "\n"


def _histogram_lines(name: str, attributes: dict[str, str], value: DurationSummary) -> list[str]:
    """The buckets, each of which counts all durations up to its bound, then sum and count."""
    bounds = [*map(str, BOUNDS), "+Inf"]
    up_to = itertools.accumulate(value.counts)
    return [
        *(
            f"{name}_bucket{_labels({**attributes, 'le': bound})} {count}"
            for bound, count in zip(bounds, up_to, strict=True)
        ),
        f"{name}_sum{_labels(attributes)} {value.total}",
        f"{name}_count{_labels(attributes)} {value.count}",
    ]


def _labels(attributes: dict[str, str]) -> str:
    pairs = (f'{name.replace(".", "_")}="{_escaped(v)}"' for name, v in attributes.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
