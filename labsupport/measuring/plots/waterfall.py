"""A request's round trips as a waterfall: each a bar, below the one before and later in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from labsupport.measuring.plots.style import (
    GREY,
    INK,
    Picture,
    colour_of,
    lab_style,
    milliseconds,
    new_picture,
    no_vertical_axis,
)

__all__ = ["Step", "plot_waterfall"]

MOST_STEPS = 60
LABEL_LIMIT = 46
ROOM = 0.42
"""The part of the width that a label needs beside its bar."""
FADED = 0.3


class Step(Protocol):
    """One round trip, in milliseconds on any clock that all steps of an arm share."""

    @property
    def start_ms(self) -> float:
        """When the question was sent."""

    @property
    def there_ms(self) -> float:
        """When the question had reached the server."""

    @property
    def back_ms(self) -> float:
        """When the answer left the server."""

    @property
    def end_ms(self) -> float:
        """When the answer had reached the client."""

    @property
    def label(self) -> str:
        """What was asked."""


@lab_style()
def plot_waterfall(arms: Mapping[str, Sequence[Step]], title: str) -> Picture:
    """Draw the round trips of each arm, one under the other, each arm from its own beginning.

    `arms` is {name: round trips in their order}. A bar is pale while the message is on its way
    and full while it is at the server; the client works in the gaps between bars. Raises
    ValueError when there are more than 60 round trips.
    """
    rows = sum(1 + len(steps) for steps in arms.values())
    if rows - len(arms) > MOST_STEPS:
        raise ValueError(
            f"{rows - len(arms)} round trips are too many to tell apart. Trace fewer requests: "
            f"at most {MOST_STEPS} round trips in all."
        )
    picture = new_picture(height=1.6 + 0.27 * rows)
    axes = picture.add_subplot()
    reach = max([_length(steps) for steps in arms.values()] + [1e-9])
    row = rows
    for index, (name, steps) in enumerate(arms.items()):
        row -= 1
        _name(axes, row, name, steps)
        for step in steps:
            row -= 1
            _draw(axes, row, step, steps[0].start_ms, reach, colour_of(index))
    axes.set_xlim(0, reach * 1.02)
    axes.set_ylim(-0.7, rows - 0.4)
    no_vertical_axis(axes)
    axes.set_xlabel("ms since the request began")
    axes.legend(
        handles=[
            Patch(color=GREY, alpha=FADED, label="on the way"),
            Patch(color=GREY, label="at the server"),
        ],
        loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=9,
        borderaxespad=0.1,
    )  # fmt: skip
    picture.suptitle(title, x=0.02, ha="left", fontsize=11)
    return picture


def _length(steps: Sequence[Step]) -> float:
    return steps[-1].end_ms - steps[0].start_ms if steps else 0.0


def _name(axes: Axes, row: float, name: str, steps: Sequence[Step]) -> None:
    trips = "1 round trip" if len(steps) == 1 else f"{len(steps)} round trips"
    text = f"{name}: {trips}, {milliseconds(_length(steps))}"
    axes.annotate(text, (0, row), (2, 0), textcoords="offset points", va="center",
                  fontweight="bold", fontsize=10, parse_math=False)  # fmt: skip


def _draw(axes: Axes, row: float, step: Step, zero: float, reach: float, colour: str) -> None:
    moments = [step.start_ms, step.there_ms, step.back_ms, step.end_ms]
    start, there, back, end = (moment - zero for moment in moments)
    axes.barh(row, end - start, left=start, height=0.6, color=colour, alpha=FADED)
    axes.barh(row, back - there, left=there, height=0.6, color=colour, edgecolor=colour)
    text = f"{_short(step.label)}  {milliseconds(end - start)}"
    if end < reach * (1 - ROOM):
        place, offset, side = end, 4, "left"
    elif start > reach * ROOM:
        place, offset, side = start, -4, "right"
    else:
        place, offset, side = start, 4, "left"
    axes.annotate(text, (place, row), (offset, 0), textcoords="offset points", va="center",
                  ha=side, fontsize=8, color=INK, parse_math=False,
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
                  )  # fmt: skip


def _short(text: str) -> str:
    return text if len(text) <= LABEL_LIMIT else text[: LABEL_LIMIT - 3] + "..."
