"""How many times faster: the ratio of each round, its median and its interval."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from labsupport.measuring.comparison import Comparison, Ratio
from labsupport.measuring.plots.style import (
    GREY,
    INK,
    Picture,
    colour_of,
    lab_style,
    new_picture,
    no_vertical_axis,
    number,
)

__all__ = ["draw_ratio", "plot_ratio"]


@lab_style()
def plot_ratio(comparison: Comparison, reference: Comparison | None = None) -> Picture:
    """Each round's ratio as a dot, the median and its 95 % interval as a bar, 1 as a line."""
    picture = new_picture(height=1.4 + 0.9 * len(comparison.ratios))
    draw_ratio(picture.add_subplot(), comparison, reference)
    return picture


def draw_ratio(
    axes: Axes, comparison: Comparison, reference: Comparison | None, width: int = 90
) -> None:
    """Draw one row for each arm but the baseline, the axis label folded to `width` characters."""
    ratios = comparison.ratios
    axes.set_xscale("log")
    axes.set_ylim(-0.5, len(ratios) - 0.2)
    axes.axvline(1, color=INK, linewidth=1, linestyle=":")
    reach = [1.0]
    for index, (name, ratio) in enumerate(ratios.items()):
        row = len(ratios) - 1 - index
        recorded = reference.ratios.get(name) if reference else None
        if recorded is not None and recorded.median > 0:
            _draw_recorded(axes, recorded, row - 0.24)
            reach += [recorded.low, recorded.high]
        if ratio.median > 0:
            _draw_row(axes, ratio, row, colour_of(index + 1))
            reach += [value for value in ratio.per_round if value > 0]
        axes.annotate(_reading(name, ratio), (0.99, row + 0.68), va="top", ha="right",
                      xycoords=("axes fraction", "data"), fontsize=9, color=colour_of(index + 1),
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
    axes.set_xlim(min(reach) / 1.6, max(reach) * 1.6)
    axes.annotate("1: no\ndifference", (1, -0.47), (3, 0), textcoords="offset points", fontsize=8)
    no_vertical_axis(axes)
    steps = (1, 2, 5) if max(reach) / min(reach) < 300 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    label = f'throughput divided by that of "{comparison.baseline}", logarithmic scale'
    label += "; band: 95\u00a0%\u00a0interval"
    axes.set_xlabel(textwrap.fill(label, width))


def _draw_row(axes: Axes, ratio: Ratio, row: float, colour: str) -> None:
    """The dots of the rounds, from the first at the top to the last, over the interval's bar."""
    axes.fill_betweenx([row - 0.17, row + 0.17], ratio.low, ratio.high, color=colour, alpha=0.25)
    axes.plot([ratio.median] * 2, [row - 0.17, row + 0.17], color=colour, linewidth=2.5)
    spots = [(value, place) for place, value in enumerate(ratio.per_round) if value > 0]
    heights = [row + 0.13 - 0.26 * place / max(1, ratio.rounds - 1) for _, place in spots]
    axes.plot([value for value, _ in spots], heights, "o", markersize=4, color=colour)


def _draw_recorded(axes: Axes, recorded: Ratio, height: float) -> None:
    """The interval of the recorded reference, with its median in words."""
    axes.plot([recorded.low, recorded.high], [height] * 2, color=GREY, linewidth=5,
              solid_capstyle="butt")  # fmt: skip
    axes.annotate(f"recorded reference: {times(recorded.median)}", (recorded.low, height), (-5, 0),
                  textcoords="offset points", ha="right", va="center", fontsize=8,
                  color="#666666")  # fmt: skip


def _reading(name: str, ratio: Ratio) -> str:
    """What the row says, in words."""
    if not ratio.median > 0:
        return f"{name}\nno ratio: one of the two answered nothing"
    interval = f"{times(ratio.low)} to {times(ratio.high)}"
    return f"{name}\n{times(ratio.median)} times ({interval}, {ratio.rounds} rounds)"


def times(value: float) -> str:
    """A ratio for reading, three digits of it: "154", "54.1", "3.97", "0.9"."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
