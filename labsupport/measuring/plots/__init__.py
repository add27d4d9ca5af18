"""Pictures of what was measured. Each function returns a figure that a notebook shows by itself."""

from labsupport.measuring.plots.bars import plot_counts, plot_parts
from labsupport.measuring.plots.headline import plot_headline
from labsupport.measuring.plots.latencies import plot_latencies
from labsupport.measuring.plots.ratio import plot_ratio
from labsupport.measuring.plots.throughput import plot_throughput

__all__ = [
    "plot_counts",
    "plot_headline",
    "plot_latencies",
    "plot_parts",
    "plot_ratio",
    "plot_throughput",
]
