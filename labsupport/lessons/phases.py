"""What each of several tasks was doing, and from when to when; and pictures of such states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, pairwise
from time import perf_counter

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from labsupport.lessons.numbers import number
from labsupport.measuring.plots.style import (
    COLOURS,
    GREY,
    INK,
    Picture,
    lab_style,
    new_picture,
    no_vertical_axis,
)

__all__ = ["Phases", "plot_phases", "plot_states"]

BAR = 0.62
ROOM_FOR_LAST_WORD = 1.22
TOO_SHORT_TO_SEE = 0.003
"""A part of the axis; what is shorter in all rows is not named in the legend."""
USUAL_COLOURS = {
    "waits": COLOURS[4],
    "holds": COLOURS[1],
    "lent out": COLOURS[1],
    "gives back": GREY,
    "free": COLOURS[2],
    "holds one, waits for a second": COLOURS[0],
    "holds two": COLOURS[5],
    # As in the time line of a pool.
    "in use": COLOURS[0],
    "idle": COLOURS[1],
    "waiting": COLOURS[2],
    "seen by the server": COLOURS[3],
}
"""One colour for each state, in all pictures: a reader learns it once."""
FURTHER_COLOURS = (COLOURS[5], COLOURS[3], COLOURS[2], COLOURS[0])
OUTCOME_COLOURS = (COLOURS[2], COLOURS[3], COLOURS[5], COLOURS[0])


class Phases:
    """Notes what each of several tasks begins to do, with the time.

        phases.note("request 1", "waits")
        phases.note("request 1", "holds")
        phases.note("request 1", "done")

    A phase lasts until the next note of the same task. The last note of a task is its end.
    """

    def __init__(self) -> None:
        self._began: float | None = None
        self.notes: dict[str, list[tuple[float, str]]] = {}
        """For each task its notes: seconds since the first note of all, and the word."""
        self.marks: list[tuple[float, str]] = []
        """What happened from outside: seconds since the first note of all, and the word."""

    def note(self, task: str, word: str) -> None:
        """Note that `task` begins with `word` now."""
        self.notes.setdefault(task, []).append((self._now(), word))

    def mark(self, word: str) -> None:
        """Mark this moment, in which something happens from outside of the tasks."""
        self.marks.append((self._now(), word))

    def _now(self) -> float:
        now = perf_counter()
        if self._began is None:
            self._began = now
        return now - self._began

    @property
    def duration(self) -> float:
        """Seconds from the first note to the last; 0 when there is none."""
        return max((notes[-1][0] for notes in self.notes.values()), default=0.0)

    def spans(self, word: str) -> dict[str, list[tuple[float, float]]]:
        """Return for each task when the phases called `word` began and ended, in seconds."""
        return {
            task: [(start, end) for (start, kind), (end, _) in pairwise(notes) if kind == word]
            for task, notes in self.notes.items()
        }

    def seconds(self, word: str) -> dict[str, float]:
        """Return for each task how many seconds it spent in the phases called `word`."""
        return {
            task: sum(end - start for start, end in spans)
            for task, spans in self.spans(word).items()
        }

    def most(self, word: str) -> int:
        """Return how many tasks were in a phase called `word` at the same time, at most."""
        changes = []
        for spans in self.spans(word).values():
            for start, end in spans:
                changes += [(start, 1), (end, -1)]
        # Of two changes at the same time the end (-1) sorts first: they do not overlap.
        most = now = 0
        for _, change in sorted(changes):
            now += change
            most = max(most, now)
        return most

    def ends(self) -> dict[str, str]:
        """Return the last word of each task."""
        return {task: notes[-1][1] for task, notes in self.notes.items()}


@lab_style()
def plot_phases(phases: Phases, title: str, seconds: float | None = None) -> Picture:
    """A row for each task, a bar for each of its phases, and its last word at its end.

    A mark is a line across all rows. The axis ends with the last note, or at `seconds`, for
    several pictures with the same axis.
    """
    picture = new_picture(height=1.5 + 0.27 * len(phases.notes))
    axes = picture.add_subplot()
    if seconds is None:
        seconds = max(phases.duration, 1e-9)
    words = [word for notes in phases.notes.values() for _, word in notes[:-1]]
    colours = _colours(words, FURTHER_COLOURS)
    for row, notes in enumerate(reversed(phases.notes.values())):
        for (start, word), (end, _) in pairwise(notes):
            axes.barh(row, end - start, left=start, height=BAR, color=colours[word], alpha=0.85)
        end, word = notes[-1]
        axes.annotate(word, (end, row), (4, 0), textcoords="offset points", va="center", fontsize=9,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
    for moment, _ in phases.marks:
        axes.axvline(moment, color=INK, linestyle="--", linewidth=1.2)
    axes.set_yticks(range(len(phases.notes)), labels=list(phases.notes)[::-1])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, seconds * ROOM_FOR_LAST_WORD)
    axes.set_xlabel("seconds since the first task asked")
    seen = {word: colours[word] for word in colours if _can_be_seen(phases, word, seconds)}
    _legend(axes, seen, [word for _, word in phases.marks])
    picture.suptitle(title, x=0.02, ha="left", fontsize=11)
    return picture


@lab_style()
def plot_states(states: Mapping[str, Mapping[str, float]], title: str, unit: str) -> Picture:
    """A bar for each row: how much of it was in which state, in the colours of `plot_phases`.

    `states` is {row: {state: how much}}, and `unit` says of what. States without a colour of
    their own are outcomes: name the good one first, it is green. The name above a bar tells its
    numbers, also those of parts that are too small to hold one.
    """
    picture = new_picture(height=1.6 + 0.75 * len(states))
    axes = picture.add_subplot()
    colours = _colours((word for row in states.values() for word in row), OUTCOME_COLOURS)
    for row, (name, parts) in enumerate(reversed(list(states.items()))):
        left = 0.0
        for state, much in parts.items():
            axes.barh(row, much, left=left, height=0.42, color=colours[state], alpha=0.85,
                      edgecolor="white")  # fmt: skip
            left += much
        told = ", ".join(f"{state} {number(much)}" for state, much in parts.items() if much)
        axes.annotate(f"{name}: {told or 'none'}", (0, row + 0.21), (2, 4),
                      textcoords="offset points", fontsize=10)  # fmt: skip
    axes.set_xlim(0, max([sum(parts.values()) for parts in states.values()] + [1]) * 1.08)
    axes.set_ylim(-0.4, len(states) - 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    no_vertical_axis(axes)
    axes.set_xlabel(unit)
    _legend(axes, colours, [])
    picture.suptitle(title, x=0.02, ha="left", fontsize=11)
    return picture


def _colours(words: Iterable[str], further: Sequence[str]) -> dict[str, str]:
    """A colour for each word: its usual one, or one that none of the others has if there is one."""
    different = list(dict.fromkeys(words))
    taken = {USUAL_COLOURS[word] for word in different if word in USUAL_COLOURS}
    others = cycle([colour for colour in further if colour not in taken] or further)
    return {word: USUAL_COLOURS.get(word) or next(others) for word in different}


def _can_be_seen(phases: Phases, word: str, seconds: float) -> bool:
    """Whether a phase called `word` is long enough, in at least one row, to be seen."""
    spans = [span for spans in phases.spans(word).values() for span in spans]
    return any(end - start > TOO_SHORT_TO_SEE * seconds for start, end in spans)


def _legend(axes: Axes, colours: Mapping[str, str], marks: Sequence[str]) -> None:
    """Name the colours and the lines above the picture, where they cover no bar."""
    handles: list[Patch | Line2D] = [
        Patch(color=colour, alpha=0.85, label=word) for word, colour in colours.items()
    ]
    handles += [Line2D([], [], color=INK, linestyle="--", label=word) for word in marks]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(handles) or 1,
                frameon=False, fontsize=9, borderaxespad=0.1, labelcolor=INK)  # fmt: skip
