"""Measuring: put a load on an `async` callable and compare what comes back, honestly.

    comparison = await compare({"connect each time": a, "pool of 10": b})
    comparison.table()
    plot_headline(comparison)

A request is any `async` callable without arguments; this package knows neither pools nor
databases. Reading order: `load`, `closed_loop`, `rounds`, `results`, `comparison`, `sweeping`,
`staging`; beside them `watching`, `arithmetic`, `conditions`, `files`, `progress`, `lock` and
`plots`.
"""

from labsupport.measuring.comparison import Comparison, Ratio, compare, measure
from labsupport.measuring.conditions import Conditions
from labsupport.measuring.load import ClosedLoop, Request
from labsupport.measuring.lock import machine_lock
from labsupport.measuring.plots import (
    plot_counts,
    plot_headline,
    plot_latencies,
    plot_parts,
    plot_ratio,
    plot_throughput,
)
from labsupport.measuring.progress import Progress, quiet
from labsupport.measuring.results import Result, Slice, Verdict
from labsupport.measuring.staging import Lap, Staged, Stages, measure_stages
from labsupport.measuring.sweeping import Sweep, SweepPoint, sweep

__all__ = [
    "ClosedLoop",
    "Comparison",
    "Conditions",
    "Lap",
    "Progress",
    "Ratio",
    "Request",
    "Result",
    "Slice",
    "Staged",
    "Stages",
    "Sweep",
    "SweepPoint",
    "Verdict",
    "compare",
    "machine_lock",
    "measure",
    "measure_stages",
    "plot_counts",
    "plot_headline",
    "plot_latencies",
    "plot_parts",
    "plot_ratio",
    "plot_throughput",
    "quiet",
    "sweep",
]
