"""The slowest requests: how many of them took longer than so long, on two logarithmic axes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from labsupport.measuring.arithmetic import BEYOND, Nanoseconds
from labsupport.measuring.plots.style import (
    GREY,
    Picture,
    colour_of,
    lab_style,
    milliseconds,
    new_picture,
    number,
)
from labsupport.measuring.results import Result

__all__ = ["plot_tails"]


@lab_style()
def plot_tails(results: Mapping[str, Result] | Result) -> Picture:
    """For every time the share of requests that took longer: one in two, in ten, in a hundred.

    A line ends where fewer than ten requests are beyond it. Of an open loop the lateness of the
    client's own sending is drawn as a thin grey line: what lies left of it is the client's.
    """
    shown = {results.name: results} if isinstance(results, Result) else dict(results)
    picture = new_picture(height=4.2)
    axes = picture.add_subplot()
    axes.set_xscale("log")
    axes.set_yscale("log")
    names = []
    for index, (name, result) in enumerate(shown.items()):
        if len(result.lateness):
            _draw(axes, result.lateness, GREY, 1.0)
        _draw(axes, result.latencies, colour_of(index), 2.0)
        names.append((name, _reading(result), colour_of(index)))
    _set_axes(axes, max((len(result.latencies) for result in shown.values()), default=0))
    late = any(len(result.lateness) for result in shown.values())
    axes.set_xlabel(
        "time of one request, logarithmic scale" + "; grey: how late the client itself sent" * late
    )
    _write_names(axes, names)
    axes.set_title("How many requests took longer")
    return picture


def _draw(axes: Axes, durations: Nanoseconds, colour: str, width: float) -> None:
    """A line from all requests down to the tenth slowest."""
    known = len(durations) - BEYOND
    if known < 1:
        return
    times = np.sort(durations)[:known] / 1e6
    longer = 1 - np.arange(1, known + 1) / len(durations)
    # As many points as a picture can show, spread evenly over the axis of shares.
    places = np.unique(known - np.geomspace(1, known, min(known, 400)).astype(int))
    axes.plot(np.maximum(times[places], 1e-4), longer[places], color=colour, linewidth=width)


def _reading(result: Result) -> str:
    most = result.percentile(99)
    if most is None:
        return f"{number(result.requests)} requests"
    return f"99 of 100 less\nthan {milliseconds(most)}"


def _set_axes(axes: Axes, most: int) -> None:
    axes.set_ylim(max(BEYOND / 2 / max(most, 100), 1e-7), 1.2)
    axes.yaxis.set_major_locator(LogLocator(base=10))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"one in {number(1 / share)}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} ms"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(True, color="#DDDDDD", linewidth=0.6)


def _write_names(axes: Axes, names: list[tuple[str, str, str]]) -> None:
    """The names beside the picture, each in the colour of its line."""
    for place, (name, reading, colour) in enumerate(names):
        text = f"{textwrap.fill(name, 22)}\n{reading}"
        axes.annotate(text, (1.02, 0.97 - 0.2 * place), xycoords="axes fraction", va="top",
                      color=colour, fontsize=9, fontweight="bold",
                      annotation_clip=False)  # fmt: skip
