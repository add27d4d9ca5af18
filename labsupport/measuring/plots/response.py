"""Latency against what a sweep made larger: flat for a while, and then it goes up."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes

from labsupport.measuring.plots.style import (
    INK,
    Picture,
    colour_of,
    lab_style,
    milliseconds,
    new_picture,
    number,
)
from labsupport.measuring.plots.sweep_axis import draw_knees, set_value_axis
from labsupport.measuring.sweeping import Sweep

__all__ = ["plot_response"]


@lab_style()
def plot_response(sweep: Sweep, *, knees: bool = True) -> Picture:
    """p50 as a line and p99 as a dashed one, for each arm, with the knee marked.

    For a sweep over arrival rates, where throughput is what arrives until it can be no more.
    """
    picture = new_picture()
    axes = picture.add_subplot()
    set_value_axis(axes, sweep)
    axes.set_yscale("log")
    for index, arm in enumerate(sweep.arms):
        _draw(axes, sweep, arm, colour_of(index))
    note = "line: p50; dashes: p99, where enough requests stand behind it; cross: some failed"
    if knees:
        draw_knees(axes, sweep)
        note += "; band: the knee's 95\u00a0% interval"
    requests = sum(point.requests for point in sweep.points)
    axes.set_title(f"Time of a request, {number(requests)} requests", pad=18)
    axes.annotate(note, (0, 1.02), xycoords="axes fraction", fontsize=8)
    axes.set_ylabel("time of one request, logarithmic scale")
    axes.yaxis.set_major_formatter(lambda value, _: milliseconds(value))
    axes.grid(True, color="#DDDDDD", linewidth=0.6)
    return picture


def _draw(axes: Axes, sweep: Sweep, arm: str, colour: str) -> None:
    points = sweep.of(arm)
    half = {point.at: point.p50_ms for point in points if point.p50_ms is not None}
    most = {point.at: point.p99_ms for point in points if point.p99_ms is not None}
    failed = {point.at: half[point.at] for point in points if point.errors and point.at in half}
    axes.plot(list(half), list(half.values()), "-o", color=colour, markersize=4, linewidth=1.8)
    axes.plot(list(most), list(most.values()), "--", color=colour, linewidth=1.2)
    axes.plot(list(failed), list(failed.values()), "x", color=INK, markersize=9, zorder=3)
    end = list(half.items())[-1] if half else (points[-1].at, 1.0)
    text = textwrap.fill(arm if half else f"{arm}: too few requests succeeded", 18)
    axes.annotate(text, end, (8, 0), textcoords="offset points", va="center", color=colour,
                  fontweight="bold", annotation_clip=False)  # fmt: skip
