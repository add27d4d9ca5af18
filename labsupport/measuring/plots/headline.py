"""The headline: how long requests took, how many a second there were, and how sure that is."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from labsupport.measuring.comparison import Comparison
from labsupport.measuring.plots.latencies import draw_latencies
from labsupport.measuring.plots.ratio import draw_ratio
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

__all__ = ["plot_headline"]


@lab_style()
def plot_headline(comparison: Comparison, reference: Comparison | None = None) -> Picture:
    """Latencies on the left; throughput and its ratio per round on the right."""
    arms = len(comparison.results)
    picture = new_picture(width=9.5, height=1.6 + 1.6 * arms)
    grid = picture.add_gridspec(2, 2, width_ratios=(3, 2), height_ratios=(arms, arms))
    left = picture.add_subplot(grid[:, 0])
    draw_latencies(left, comparison, reference)
    load = next(iter(comparison.results.values())).load_words
    left.set_title(f"How long a request takes, {load}")
    above = picture.add_subplot(grid[0, 1])
    _draw_throughput(above, comparison, reference)
    above.set_title("Requests answered per second")
    below = picture.add_subplot(grid[1, 1])
    draw_ratio(below, comparison, reference, width=40)
    below.set_title("How many times as many, round by round")
    return picture


def _draw_throughput(axes: Axes, comparison: Comparison, reference: Comparison | None) -> None:
    """A bar for each arm with the quartiles of its slices, the number and the name above it."""
    results = list(comparison.results.values())
    behind = reference.results if reference else {}
    shown = [*results, *(behind[name] for name in comparison.results if name in behind)]
    reach = max([result.throughput_quartiles[2] for result in shown] + [1e-9])
    axes.set_xlim(0, reach * 1.3)
    axes.set_ylim(-0.4, len(results) - 0.2)
    for index, result in enumerate(results):
        row = len(results) - 1 - index
        low, middle, high = result.throughput_quartiles
        axes.barh(row, middle, height=0.36, color=colour_of(index), alpha=0.8)
        axes.plot([low, high], [row, row], color=INK, linewidth=1.5)
        axes.annotate(number(middle), (max(middle, high), row), (5, 0), va="center",
                      textcoords="offset points", fontweight="bold")  # fmt: skip
        axes.annotate(result.name, (0, row + 0.24), (2, 0), textcoords="offset points",
                      fontsize=9, color=colour_of(index))  # fmt: skip
        if result.name in behind:
            axes.barh(row - 0.24, behind[result.name].throughput, height=0.09, color=GREY)
    no_vertical_axis(axes)
    axes.locator_params(axis="x", nbins=4)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.set_xlabel("median of the rounds; thin line: quartiles")
