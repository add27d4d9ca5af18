"""Throughput against concurrency: a line for each arm on two logarithmic axes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from labsupport.measuring.plots.style import (
    GREY,
    INK,
    Picture,
    colour_of,
    lab_style,
    milliseconds,
    new_picture,
    number,
)
from labsupport.measuring.plots.sweep_axis import draw_knees, set_value_axis
from labsupport.measuring.sweeping import Sweep, SweepPoint

__all__ = ["plot_throughput"]

LEAST_GAP = 0.09


@lab_style()
def plot_throughput(
    sweep: Sweep, reference: Sweep | None = None, *, knees: bool = False
) -> Picture:
    """The medians of the rounds as lines, their quartiles as bands; `reference` in grey behind.

    With `knees` each arm's knee is marked by a dashed line, and its interval by a band.
    """
    picture = new_picture()
    axes = picture.add_subplot()
    axes.set_yscale("log")
    for arm in reference.arms if reference else ():
        if reference is not None and arm in sweep.arms:
            _draw_line(axes, reference.of(arm), GREY)
    for index, arm in enumerate(sweep.arms):
        _draw_line(axes, sweep.of(arm), colour_of(index))
        _draw_band(axes, sweep.of(arm), colour_of(index))
    _set_axes(axes, sweep, reference)
    failed = any(point.errors for point in sweep.points)
    requests = sum(point.requests for point in sweep.points)
    axes.set_title("Requests answered per second", pad=18)
    note = f"{number(requests)} requests in {sweep.rounds} rounds; band: quartiles"
    note += "; cross: some failed" if failed else ""
    note += "; grey: recorded reference" if reference else ""
    if knees:
        note += "; dashed: knee, its band the 95\u00a0% interval"
        draw_knees(axes, sweep)
    axes.annotate(note, (0, 1.02), xycoords="axes fraction", fontsize=8)
    _write_names(axes, sweep)
    return picture


def _set_axes(axes: Axes, sweep: Sweep, reference: Sweep | None) -> None:
    set_value_axis(axes, sweep)
    shown = [*sweep.points, *(reference.points if reference else ())]
    rates = [rate for p in shown for rate in (p.lower, p.throughput, p.upper) if rate > 0]
    low, high = (min(rates), max(rates)) if rates else (1.0, 10.0)
    axes.set_ylim(low / 1.6, high * 1.8)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 300 else (1,)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.grid(True, color="#DDDDDD", linewidth=0.6)
    axes.set_ylabel("requests per second, logarithmic scale")


def _answered(points: Sequence[SweepPoint]) -> list[SweepPoint]:
    """The points that a logarithmic axis can show."""
    return [point for point in points if point.throughput > 0]


def _draw_line(axes: Axes, points: Sequence[SweepPoint], colour: str) -> None:
    shown = _answered(points)
    axes.plot([point.at for point in shown], [point.throughput for point in shown],
              "-o", color=colour, markersize=4, linewidth=1.8)  # fmt: skip


def _draw_band(axes: Axes, points: Sequence[SweepPoint], colour: str) -> None:
    shown = _answered(points)
    axes.fill_between(
        [point.at for point in shown],
        [max(point.lower, point.throughput / 100) for point in shown],
        [point.upper for point in shown],
        color=colour, alpha=0.2, linewidth=0,
    )  # fmt: skip
    failed = [point for point in shown if point.errors]
    axes.plot([point.at for point in failed], [point.throughput for point in failed],
              "x", color=INK, markersize=9, zorder=3)  # fmt: skip


def _half_below(shown: Sequence[SweepPoint]) -> str:
    """What became of the latency at an arm's last point, in words."""
    if not shown:
        return "(none succeeded)"
    half = shown[-1].p50_ms
    return "" if half is None else f"(half below {milliseconds(half)})"


def _write_names(axes: Axes, sweep: Sweep) -> None:
    """Each arm's name behind its last point; names that would touch are moved apart."""
    low, high = (math.log(limit) for limit in axes.get_ylim())
    ends = []
    for index, arm in enumerate(sweep.arms):
        shown = _answered(sweep.of(arm))
        text = f"{textwrap.fill(arm, 18)}\n{_half_below(shown)}"
        end = shown[-1].at if shown else sweep.of(arm)[-1].at
        height = (math.log(shown[-1].throughput) - low) / (high - low) if shown else 0.08
        ends.append((end, height, text, colour_of(index)))
    last: dict[float, float] = {}
    for end, height, text, colour in sorted(ends):
        # Half of this name's lines and half of the last one's must fit between the two.
        reach = LEAST_GAP / 2 * (1 + text.count("\n") * 0.6)
        height = max(height, last.get(end, -1.0) + reach)
        last[end] = height + reach
        axes.annotate(text, (end, height), (8, 0), xycoords=("data", "axes fraction"),
                      textcoords="offset points", color=colour, fontweight="bold",
                      va="center", annotation_clip=False)  # fmt: skip
