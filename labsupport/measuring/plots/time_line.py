"""The time line of a pool: connections, waiting requests, answers; what happened as lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from labsupport.measuring.answers import ANSWERED, Answers
from labsupport.measuring.plots.style import COLOURS, INK, Picture, lab_style, new_picture
from labsupport.measuring.timeline import (
    IDLE,
    IN_USE,
    MAX_SIZE,
    SESSIONS,
    SIZE,
    WAITING,
    Floats,
    TimeLine,
)

__all__ = ["plot_time_line"]

PURPLE = "#A04A80"
"""Like the purple of `COLOURS`, but dark enough to be read as text."""
CONNECTIONS = (
    (MAX_SIZE, "pool's maximum", INK, ":"),
    (SIZE, "pool size", INK, "-"),
    (SESSIONS, "seen by the server", PURPLE, "--"),
    (IDLE, "idle", COLOURS[1], "-"),
    (IN_USE, "in use", COLOURS[0], "-"),
)
ANSWER = (COLOURS[1], ".")
FAILURES = ((COLOURS[0], "x"), (PURPLE, "+"), (INK, "1"))
REQUESTS = ((WAITING, "waiting", COLOURS[2], "-"),)
LEAST_GAP = 0.085
MARK_ROWS = 3

Lines = Sequence[tuple[str, str, str, str]]


@lab_style()
def plot_time_line(line: TimeLine, answers: Answers | None = None) -> Picture:
    """Pool size, idle, in use and the server's sessions; below them the waiting requests.

    With `answers` of the same watch, a panel at the bottom has a point for each of them: when it
    came, and after how long.
    """
    panels = [3]
    if np.isfinite(line.columns.get(WAITING, np.empty(0))).any():
        panels.append(2)
    if answers is not None:
        panels.append(3)
    picture = new_picture(height=4.0 + 0.7 * sum(panels[1:]))
    rows = picture.subplots(
        len(panels), sharex=True, squeeze=False, gridspec_kw={"height_ratios": panels}
    )[:, 0]
    _draw(rows[0], line, CONNECTIONS, "connections")
    if 2 in panels:
        _draw(rows[1], line, REQUESTS, "requests waiting")
    if answers is not None:
        _draw_answers(rows[-1], answers)
    rows[-1].set_xlabel("seconds since the start")
    rows[0].set_title("The pool over time", pad=22 if line.notes else 8)
    if line.notes:
        note = line.notes[0] if len(line.notes[0]) < 110 else f"{line.notes[0][:107]}..."
        rows[0].annotate(note, (0, 1), (0, 6), xycoords="axes fraction",
                         textcoords="offset points", fontsize=8)  # fmt: skip
    for axes in rows:
        for mark in line.marks:
            axes.axvline(mark.seconds, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    _name_marks(rows[0], line)
    return picture


def _draw(axes: Axes, line: TimeLine, lines: Lines, unit: str) -> None:
    """One panel: steps, because a value holds until the next sample, and a name behind each."""
    end = float(line.seconds[-1]) if len(line.seconds) else 1.0
    most, names = 1.0, []
    for column, name, colour, dashes in lines:
        values = line.columns.get(column, np.empty(0))
        known = values[np.isfinite(values)]
        if not len(known):
            continue
        axes.step(line.seconds, values, where="post", color=colour, linestyle=dashes, linewidth=1.5)
        most = max(most, known.max())
        names.append((float(known[-1]), f"{name}, {_range(known)}", colour))
    axes.set_xlim(0, max(end, 1e-3))
    rows_of_marks = min(len(line.marks), MARK_ROWS) if lines is CONNECTIONS else 0
    axes.set_ylim(0, most * (1.12 + 0.1 * rows_of_marks))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(True, axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_ylabel(unit)
    _write_names(axes, names, end)


def _draw_answers(axes: Axes, answers: Answers) -> None:
    """A point for each answer, and a cross for each that was an error."""
    end, most = axes.get_xlim()[1], 1.0
    others = cycle(FAILURES)
    names = []
    for outcome, (seconds, milliseconds) in answers.by_outcome().items():
        colour, shape = ANSWER if outcome == ANSWERED else next(others)
        axes.plot(seconds, milliseconds, shape, color=colour, markersize=4, alpha=0.7)
        most = max(most, milliseconds.max())
        middle = float(np.median(milliseconds))
        names.append((middle, f"{outcome}, {len(seconds)}", colour))
    axes.set_ylim(0, most * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.grid(True, axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_ylabel("ms until the answer")
    _write_names(axes, names, end)


def _range(known: Floats) -> str:
    low, high = known.min(), known.max()
    return f"{high:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def _write_names(axes: Axes, names: list[tuple[float, str, str]], end: float) -> None:
    """Each line's name behind its last value; names that would touch are moved apart."""
    top = axes.get_ylim()[1]
    height = -1.0
    for value, text, colour in sorted(names):
        height = max(value / top, height + LEAST_GAP)
        axes.annotate(text, (end, height), (6, 0), xycoords=("data", "axes fraction"),
                      textcoords="offset points", color=colour, fontsize=9, fontweight="bold",
                      va="center", annotation_clip=False)  # fmt: skip


def _name_marks(axes: Axes, line: TimeLine) -> None:
    """The marks' labels at the top, in turn one below the other, on the side with more room."""
    end = axes.get_xlim()[1]
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    for index, mark in enumerate(line.marks):
        left = mark.seconds > 0.6 * end
        beside = (-4 if left else 4, -3 - 13 * (index % MARK_ROWS))
        axes.annotate(mark.label, (mark.seconds, 1), beside, xycoords=("data", "axes fraction"),
                      textcoords="offset points", ha="right" if left else "left", va="top",
                      fontsize=9, bbox=paper)  # fmt: skip
