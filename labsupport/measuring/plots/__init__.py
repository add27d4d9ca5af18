"""Pictures of what was measured. Each function returns a figure that a notebook shows by itself."""

from labsupport.measuring.plots.bars import plot_counts, plot_parts
from labsupport.measuring.plots.headline import plot_headline
from labsupport.measuring.plots.latencies import plot_latencies
from labsupport.measuring.plots.overlaid import plot_overlay
from labsupport.measuring.plots.ratio import plot_ratio
from labsupport.measuring.plots.response import plot_response
from labsupport.measuring.plots.tails import plot_tails
from labsupport.measuring.plots.throughput import plot_throughput
from labsupport.measuring.plots.time_line import plot_time_line
from labsupport.measuring.plots.waterfall import Step, plot_waterfall

__all__ = [
    "Step",
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
]
