"""Measuring: put a load on an `async` callable and compare what comes back, honestly.

    comparison = await compare({"connect each time": a, "pool of 10": b})
    comparison.table()
    plot_headline(comparison)

A request is any `async` callable without arguments; `requests` has ready-made ones. Reading order:
`load`, `closed_loop`, `open_loop`, `recording`, `slices`, `rounds`, `results`, `verdicts`,
`comparison`, `sweeping`, `knees`, `staging`; then `timeline`, `samples`, `answers`, `gauges` and
`live_view`; beside them `watching`, `stopping`, `arithmetic`, `conditions`, `files`, `progress`,
`lock` and `plots`.
"""

from labsupport.measuring.answers import Answers
from labsupport.measuring.comparison import Comparison, Ratio, compare, measure
from labsupport.measuring.conditions import Conditions
from labsupport.measuring.gauges import sessions_of
from labsupport.measuring.knees import Knee
from labsupport.measuring.live_view import LiveView, live
from labsupport.measuring.load import ClosedLoop, Load, OpenLoop, Parts, Request
from labsupport.measuring.lock import machine_lock
from labsupport.measuring.overlay import Overlay, overlay
from labsupport.measuring.plots import (
    plot_counts,
    plot_headline,
    plot_latencies,
    plot_overlay,
    plot_parts,
    plot_ratio,
    plot_response,
    plot_tails,
    plot_throughput,
    plot_time_line,
    plot_waterfall,
)
from labsupport.measuring.processes import measure_in_processes
from labsupport.measuring.progress import Progress, quiet
from labsupport.measuring.requests import (
    connect_each_time,
    hold_connections,
    on_held,
    open_pool,
    through_pool,
)
from labsupport.measuring.results import Result, Slice
from labsupport.measuring.samples import Watch, watch
from labsupport.measuring.staging import Lap, Staged, Stages, measure_stages
from labsupport.measuring.sweeping import Sweep, SweepPoint, sweep, sweep_over
from labsupport.measuring.timeline import Mark, TimeLine
from labsupport.measuring.verdicts import Evidence, Verdict

__all__ = [
    "Answers",
    "ClosedLoop",
    "Comparison",
    "Conditions",
    "Evidence",
    "Knee",
    "Lap",
    "LiveView",
    "Load",
    "Mark",
    "OpenLoop",
    "Overlay",
    "Parts",
    "Progress",
    "Ratio",
    "Request",
    "Result",
    "Slice",
    "Staged",
    "Stages",
    "Sweep",
    "SweepPoint",
    "TimeLine",
    "Verdict",
    "Watch",
    "compare",
    "connect_each_time",
    "hold_connections",
    "live",
    "machine_lock",
    "measure",
    "measure_in_processes",
    "measure_stages",
    "on_held",
    "open_pool",
    "overlay",
    "plot_counts",
    "plot_headline",
    "plot_latencies",
    "plot_overlay",
    "plot_parts",
    "plot_ratio",
    "plot_response",
    "plot_tails",
    "plot_throughput",
    "plot_time_line",
    "plot_waterfall",
    "quiet",
    "sessions_of",
    "sweep",
    "sweep_over",
    "through_pool",
    "watch",
]
