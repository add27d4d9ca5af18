"""A room's results in one picture: each file's ratio with its interval, and its latencies."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from labsupport.measuring.overlay import Overlay
from labsupport.measuring.plots.ratio import times
from labsupport.measuring.plots.style import (
    COLOURS,
    GREY,
    INK,
    Picture,
    colour_of,
    lab_style,
    new_picture,
    number,
)

__all__ = ["plot_overlay"]

LONGEST_NAME = 24


@lab_style()
def plot_overlay(overlay: Overlay) -> Picture:
    """A row for each file: on the left the ratio of its second arm, on the right its latencies.

    The ratio is drawn with its 95 % interval; the latencies of each arm from p50, a dot, to p99.
    A hollow mark means that the file's own verdict refuses a conclusion.
    """
    rows = len(overlay.comparisons)
    picture = new_picture(width=9.5, height=1.9 + 0.42 * rows)
    left, right = picture.subplots(1, 2, sharey=True, width_ratios=(1, 1))
    names = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."
             for name in overlay.comparisons]  # fmt: skip
    left.set_yticks(range(rows), labels=names[::-1])
    left.set_ylim(-0.6, rows - 0.4)
    _draw_ratios(left, overlay)
    _draw_latencies(right, overlay)
    for axes in (left, right):
        axes.grid(True, axis="y", color="#DDDDDD", linewidth=0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_minor_formatter(NullFormatter())
    return picture


def _draw_ratios(axes: Axes, overlay: Overlay) -> None:
    axes.set_xscale("log")
    ends = [1.0]
    for row, comparison in enumerate(reversed(list(overlay.comparisons.values()))):
        ratio = next(iter(comparison.ratios.values()), None)
        if ratio is None or not ratio.median > 0:
            axes.annotate("no ratio", (1, row), (4, 0), textcoords="offset points", va="center",
                          fontsize=8)  # fmt: skip
            continue
        sure = comparison.verdict().concludes
        axes.plot([ratio.low, ratio.high], [row, row], color=COLOURS[1], linewidth=2)
        axes.plot([ratio.median], [row], "o", color=COLOURS[1], markersize=7,
                  markerfacecolor=COLOURS[1] if sure else "white")  # fmt: skip
        axes.annotate(times(ratio.median), (ratio.median, row), (0, 5), fontsize=8, ha="center",
                      textcoords="offset points")  # fmt: skip
        ends += [value for value in (ratio.low, ratio.median, ratio.high) if value > 0]
    axes.axvline(1, color=INK, linewidth=1, linestyle=":")
    axes.set_xlim(min(ends) / 1.5, max(ends) * 1.5)
    axes.xaxis.set_major_locator(
        LogLocator(subs=(1, 2, 5) if max(ends) < 300 * min(ends) else (1,))
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.set_xlabel("ratio of throughput, 95\u00a0% interval; hollow: in doubt")
    axes.set_title("How many times as many requests")


def _draw_latencies(axes: Axes, overlay: Overlay) -> None:
    axes.set_xscale("log")
    arms = overlay.arms
    drawn = False
    for row, comparison in enumerate(reversed(list(overlay.comparisons.values()))):
        for name, result in comparison.results.items():
            half, most = result.percentile(50), result.percentile(99)
            if half is None:
                continue
            drawn = True
            place = arms.index(name)
            height = row + 0.14 * ((len(arms) - 1) / 2 - place)
            axes.plot([half, most or half], [height] * 2, color=colour_of(place), linewidth=2)
            axes.plot([half], [height], "o", color=colour_of(place), markersize=5)
    if not drawn:
        axes.set_xlim(0.1, 100)
        axes.annotate("too few requests succeeded", (0.5, 0.5), xycoords="axes fraction",
                      ha="center", color=GREY)  # fmt: skip
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} ms"))
    axes.set_xlabel("time of one request: p50 (dot) to p99, logarithmic scale")
    axes.set_title("How long requests took")
    for place, name in enumerate(arms):
        axes.annotate(name, (0, -52 - 13 * place), xycoords=("axes fraction", "axes points"),
                      color=colour_of(place), fontsize=9, fontweight="bold")  # fmt: skip
