"""The time line of a pool: connections, waiting requests, answers; what happened as lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
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
MARK_ROW = 14.0
"""Points from one row of the marks' labels to the next."""
MOST_MARK_ROWS = 6
LONGEST_LABEL = 48
BESIDE = 4.0
"""Points between a mark's line and its label."""

Lines = Sequence[tuple[str, str, str, str]]
Names = list[tuple[float, Annotation]]
"""The value that a line ends with, and its name, from the lowest to the highest."""


@lab_style()
def plot_time_line(line: TimeLine, answers: Answers | None = None) -> Picture:
    """Pool size, idle, in use and the server's sessions; below them the waiting requests.

    With `answers` of the same watch, a panel at the bottom has a point for each of them: when it
    came, and after how long. Where so many marks stand close together that six rows of labels do
    not hold them all, some have their line and no label; the line's sentence names them.
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
    names = _draw(rows[0], line, CONNECTIONS, "connections")
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
    if line.marks:
        _name_marks(picture, rows[0], line)
        _move_apart(rows[0], names)
    return picture


def _draw(axes: Axes, line: TimeLine, lines: Lines, unit: str) -> Names:
    """One panel: steps, because a value holds until the next sample, and a name behind each."""
    end = max([*line.seconds[-1:], *(mark.seconds for mark in line.marks), 1e-3])
    most, names = 1.0, []
    for column, name, colour, dashes in lines:
        values = line.columns.get(column, np.empty(0))
        known = values[np.isfinite(values)]
        if not len(known):
            continue
        axes.step(line.seconds, values, where="post", color=colour, linestyle=dashes, linewidth=1.5)
        most = max(most, known.max())
        names.append((float(known[-1]), f"{name}, {_range(known)}", colour))
    axes.set_xlim(0, end)
    axes.set_ylim(0, most * 1.12)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(True, axis="y", color="#DDDDDD", linewidth=0.6)
    axes.set_ylabel(unit)
    return _write_names(axes, names, end)


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


def _write_names(axes: Axes, names: list[tuple[float, str, str]], end: float) -> Names:
    """Each line's name behind its last value; names that would touch are moved apart."""
    written = [
        (value, axes.annotate(text, (end, 0), (6, 0), xycoords=("data", "axes fraction"),
                              textcoords="offset points", color=colour, fontsize=9,
                              fontweight="bold", va="center", annotation_clip=False))
        for value, text, colour in sorted(names)
    ]  # fmt: skip
    _move_apart(axes, written)
    return written


def _move_apart(axes: Axes, names: Names) -> None:
    """Put each name at the height of its value, or above the name below it."""
    top = axes.get_ylim()[1]
    height = -1.0
    for value, name in names:
        height = max(value / top, height + LEAST_GAP)
        name.xy = (name.xy[0], height)


def _name_marks(picture: Picture, axes: Axes, line: TimeLine) -> None:
    """The marks' labels at the top, each in the first row where it touches no other.

    The panel is made taller above its lines by the rows that this takes.
    """
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    labels = [
        axes.annotate(_short(mark.label), (mark.seconds, 1), (0, 0), va="top", fontsize=9,
                      xycoords=("data", "axes fraction"), textcoords="offset points", bbox=paper)
        for mark in line.marks
    ]  # fmt: skip
    picture.draw_without_rendering()  # From here on it is known how wide everything is.
    point = picture.dpi / 72
    room = axes.bbox.width / point
    ends: list[list[tuple[float, float]]] = []  # For each row, where its labels begin and end.
    for mark, label in zip(line.marks, labels, strict=True):
        place = room * mark.seconds / axes.get_xlim()[1]
        wide = label.get_window_extent().width / point
        left = _left_end(place, wide, room)
        span = (left - BESIDE, left + wide + BESIDE)
        row = next((row for row, taken in enumerate(ends) if not _touches(span, taken)), len(ends))
        if row == MOST_MARK_ROWS:
            label.remove()
            continue
        ends += [[]] if row == len(ends) else []
        ends[row].append(span)
        label.set_position((left - place, -3 - MARK_ROW * row))
    share = (3 + MARK_ROW * len(ends)) / (axes.bbox.height / point)
    axes.set_ylim(0, axes.get_ylim()[1] / (1 - min(share, 0.7)))


def _left_end(place: float, wide: float, room: float) -> float:
    """Where a label begins: behind its line, or before it when there is no room behind it."""
    if place + BESIDE + wide <= room:
        return place + BESIDE
    if place - BESIDE - wide >= 0:
        return place - BESIDE - wide
    return max(0.0, room - wide)


def _touches(span: tuple[float, float], taken: list[tuple[float, float]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in taken)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 3]}..."
