"""Bars: where the time of one thing goes, and how many of many had which outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from labsupport.measuring.arithmetic import quartiles
from labsupport.measuring.plots.style import (
    COLOURS,
    INK,
    Picture,
    lab_style,
    milliseconds,
    new_picture,
    no_vertical_axis,
    number,
)

__all__ = ["plot_counts", "plot_parts"]

BAR = 0.42
WIDE_ENOUGH = 0.08


@lab_style()
def plot_parts(parts: Mapping[str, Sequence[float]], title: str) -> Picture:
    """A bar for each part of one thing: the median of its durations, with their quartiles.

    `parts` is {part: durations in ms}, in the order in which the parts follow each other.
    """
    picture = new_picture(height=1.3 + 0.55 * len(parts))
    axes = picture.add_subplot()
    found = {part: quartiles(list(durations)) for part, durations in parts.items()}
    reach = max([high for _, _, high in found.values()] + [1e-9])
    for index, (low, middle, high) in enumerate(found.values()):
        row = len(found) - 1 - index
        axes.barh(row, middle, height=0.5, color=COLOURS[0], alpha=0.85)
        axes.plot([low, high], [row, row], color=INK, linewidth=1.2)
    names = [f"{part}: {milliseconds(middle)}" for part, (_, middle, _) in found.items()]
    axes.set_yticks(range(len(found)), labels=names[::-1])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(min([low for low, _, _ in found.values()] + [0]), reach * 1.05)
    times = max((len(durations) for durations in parts.values()), default=0)
    axes.set_xlabel(
        f"ms; bar and figure: median of {times} times; thin line: lower to upper quartile"
    )
    picture.suptitle(title, x=0.02, ha="left", fontsize=11)
    return picture


@lab_style()
def plot_counts(
    counts: Mapping[str, Mapping[str, int]], title: str, unit: str = "requests"
) -> Picture:
    """A bar for each arm of `counts`: how many had which outcome, "answered" in green.

    `counts` is {arm: {outcome: how many}}, and `unit` says of what.
    """
    picture = new_picture(height=1.6 + 0.95 * len(counts))
    axes = picture.add_subplot()
    outcomes = list(dict.fromkeys(outcome for arm in counts.values() for outcome in arm))
    good = [outcome for outcome in outcomes if outcome == "answered"]
    bad = [outcome for outcome in outcomes if outcome != "answered"]
    # Not the colours of two arms that are compared: these are outcomes of each.
    colours = dict.fromkeys(good, COLOURS[2]) | dict(zip(bad, cycle(COLOURS[3:]), strict=False))
    reach = max([sum(arm.values()) for arm in counts.values()] + [1])
    for index, (name, arm) in enumerate(counts.items()):
        row = len(counts) - 1 - index
        left = 0
        for outcome in [*good, *bad]:
            many = arm.get(outcome, 0)
            if many:
                _segment(axes, row, left, many, colours[outcome], reach, number(many))
            left += many
        _name(axes, row, name if len(outcomes) == 1 else f"{name}: {number(left)} {unit}")
    _finish(axes, len(counts), reach, colours if len(outcomes) > 1 else {})
    picture.suptitle(title, x=0.02, ha="left", fontsize=11)
    axes.set_xlabel(unit)
    return picture


def _segment(
    axes: Axes, row: float, left: float, width: float, colour: str, reach: float, text: str
) -> None:
    axes.barh(row, width, left=left, height=BAR, color=colour, alpha=0.85, edgecolor="white")
    if width >= WIDE_ENOUGH * reach:
        # On every colour of the palette ink is at least as easy to read as white.
        axes.text(left + width / 2, row, text, ha="center", va="center", fontweight="bold",
                  color=INK)  # fmt: skip


def _name(axes: Axes, row: float, text: str) -> None:
    axes.annotate(text, (0, row + BAR / 2), (2, 4), textcoords="offset points", fontsize=10)


def _finish(axes: Axes, rows: int, reach: float, colours: Mapping[str, str]) -> None:
    axes.set_xlim(0, reach * 1.08)
    axes.set_ylim(-0.4, rows - 0.3)
    no_vertical_axis(axes)
    if not colours:
        return
    # One line of names where they fit, else three to a line.
    columns = len(colours) if sum(len(name) + 6 for name in colours) < 100 else 3
    handles = [Patch(color=colour, alpha=0.85, label=name) for name, colour in colours.items()]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns,
                frameon=False, fontsize=9, borderaxespad=0.1)  # fmt: skip
