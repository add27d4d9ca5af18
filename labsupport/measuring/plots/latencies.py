"""How long requests took: a distribution for each arm, on a logarithmic axis of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from labsupport.measuring.arithmetic import Nanoseconds
from labsupport.measuring.comparison import Comparison
from labsupport.measuring.plots.style import (
    GREY,
    INK,
    Picture,
    colour_of,
    lab_style,
    milliseconds,
    new_picture,
    no_vertical_axis,
    number,
)
from labsupport.measuring.results import Result

__all__ = ["draw_latencies", "plot_latencies"]

BINS_PER_DECADE = 30
LEAST_BINS = 60
RIDGE = 0.5

Floats = NDArray[np.float64]


@lab_style()
def plot_latencies(comparison: Comparison, reference: Comparison | None = None) -> Picture:
    """The distribution of each arm's latencies; those of `reference` in grey behind."""
    picture = new_picture(height=1.0 + 1.6 * len(comparison.results))
    draw_latencies(picture.add_subplot(), comparison, reference)
    return picture


def draw_latencies(axes: Axes, comparison: Comparison, reference: Comparison | None) -> None:
    """Draw one row for each arm, the first on top."""
    results = list(comparison.results.values())
    behind = [reference.results.get(result.name) if reference else None for result in results]
    edges = _edges([shown.latencies for shown in [*results, *behind] if shown is not None])
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(-0.04, len(results))
    for index, (result, recorded) in enumerate(zip(results, behind, strict=True)):
        base = len(results) - 1 - index
        axes.axhline(base, color=INK, linewidth=0.6)
        if recorded is not None and len(recorded.latencies):
            heights = base + _heights(recorded.latencies, edges)
            axes.stairs(heights, edges, baseline=base, color=GREY, linewidth=1.3)
        if len(result.latencies):
            heights = base + _heights(result.latencies, edges)
            axes.stairs(heights, edges, baseline=base, fill=True, color=colour_of(index), alpha=0.7)
        _mark(axes, result, base)
        _label(axes, result, base, colour_of(index))
    no_vertical_axis(axes)
    if edges[-1] / edges[0] < 300:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} ms"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    recorded_too = any(behind) and " (grey: recorded reference)"
    axes.set_xlabel(f"time of one request, logarithmic scale{recorded_too or ''}")


def _edges(latencies: Sequence[Nanoseconds]) -> Floats:
    """Edges of the bins in ms, evenly spaced on a logarithmic axis, around all latencies."""
    ends = [(values.min() / 1e6, values.max() / 1e6) for values in latencies if len(values)]
    low = max(min((end[0] for end in ends), default=0.1), 1e-4) / 1.5
    high = max(max((end[1] for end in ends), default=100.0), low * 4) * 1.5
    bins = max(LEAST_BINS, round(BINS_PER_DECADE * np.log10(high / low)))
    return np.geomspace(low, high, bins + 1)


def _heights(latencies: Nanoseconds, edges: Floats) -> Floats:
    """The ridge above the row's base line, as high as `RIDGE` where most requests are."""
    counts, _ = np.histogram(latencies / 1e6, edges)
    heights: Floats = counts * (RIDGE / max(1, counts.max()))
    return heights


def _mark(axes: Axes, result: Result, base: float) -> None:
    """The lines of p50 and p99; their labels lean away from each other and so never meet."""
    for p, style, side in ((50, "-", "right"), (99, "--", "left")):
        value = result.percentile(p)
        if value is not None:
            axes.plot([value, value], [base, base + RIDGE + 0.07], style, color=INK, linewidth=1.2)
            axes.annotate(f"p{p}", (value, base + RIDGE + 0.01), (-3 if p == 50 else 3, 0),
                          textcoords="offset points", ha=side, fontsize=8)  # fmt: skip


def _label(axes: Axes, result: Result, base: float, colour: str) -> None:
    """The arm's name and the sentence that reads the row."""
    place = (0.005, base + 0.97)
    axes.annotate(result.name, place, xycoords=("axes fraction", "data"), va="top",
                  color=colour, fontweight="bold", fontsize=11)  # fmt: skip
    axes.annotate(_reading(result), place, (0, -16), xycoords=("axes fraction", "data"),
                  textcoords="offset points", va="top", fontsize=9)  # fmt: skip


def _reading(result: Result) -> str:
    """What the row says, in words."""
    failed = ", ".join(f"{number(n)} {name}" for name, n in list(result.errors.items())[:2])
    if not len(result.latencies):
        return f"no request succeeded: {failed or 'none was sent'}"
    text = f"{number(len(result.latencies))} requests"
    half, most = result.percentile(50), result.percentile(99)
    if half is not None:
        text += f": half of them took less than {milliseconds(half)}"
        if most is not None:
            text += f", 99 of 100 less than {milliseconds(most)}"
    return f"{text}\nfailed: {failed}" if failed else text
