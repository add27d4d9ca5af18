"""What pictures of sweeps have in common: the axis of what was made larger, and the knees."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from labsupport.measuring.plots.style import colour_of
from labsupport.measuring.sweeping import CLIENTS, Sweep

__all__ = ["draw_knees", "set_value_axis"]


def set_value_axis(axes: Axes, sweep: Sweep) -> None:
    """The horizontal axis: the sweep's values, logarithmic unless there is a zero among them."""
    values = sorted({point.at for point in sweep.points})
    # Zero, such as no distance at all, has no place on a logarithmic axis.
    logarithmic = values[0] > 0
    axes.set_xscale("log" if logarithmic else "linear")
    if logarithmic:
        axes.set_xlim(values[0] / 1.2, values[-1] * 1.2)
    else:
        margin = 0.05 * (values[-1] - values[0]) or 1.0
        axes.set_xlim(values[0] - margin, values[-1] + margin)
    axes.xaxis.set_major_locator(FixedLocator(values))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    over = "clients that send requests at the same time" if sweep.over == CLIENTS else sweep.over
    axes.set_xlabel(f"{over}, logarithmic scale" if logarithmic else over)


def draw_knees(axes: Axes, sweep: Sweep) -> None:
    """Each arm's knee: a dashed line through the picture with its value, its interval a band."""
    for index, arm in enumerate(sweep.arms):
        knee = sweep.knee(arm)
        if knee is None:
            continue
        axes.axvline(knee.value, color=colour_of(index), linestyle="--", linewidth=1.2)
        if knee.high > knee.low:
            axes.axvspan(knee.low, knee.high, color=colour_of(index), alpha=0.08)
        text = f"knee: {knee.value:g}" + " or beyond" * knee.at_end
        side, shift = ("right", -4) if knee.at_end else ("left", 4)
        axes.annotate(text, (knee.value, 0.03 + 0.05 * index), (shift, 0), fontsize=8, ha=side,
                      xycoords=("data", "axes fraction"), textcoords="offset points",
                      color=colour_of(index))  # fmt: skip
