"""What each of several tasks was doing, and from when to when; and the picture of it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from time import perf_counter

from matplotlib.patches import Patch

from labsupport.measuring.plots.style import COLOURS, INK, Picture, lab_style, new_picture

__all__ = ["Phases", "plot_phases"]

BAR = 0.62
ROOM_FOR_LAST_WORD = 1.22
USUAL_COLOURS = {"waits": COLOURS[4], "holds": COLOURS[1]}
FURTHER_COLOURS = (COLOURS[5], COLOURS[3], COLOURS[2], COLOURS[0])


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

    def note(self, task: str, word: str) -> None:
        """Note that `task` begins with `word` now."""
        now = perf_counter()
        if self._began is None:
            self._began = now
        self.notes.setdefault(task, []).append((now - self._began, word))

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

    The axis ends with the last note, or at `seconds`, for several pictures with the same axis.
    """
    picture = new_picture(height=1.5 + 0.27 * len(phases.notes))
    axes = picture.add_subplot()
    colours = _colours(phases)
    for row, notes in enumerate(reversed(phases.notes.values())):
        for (start, word), (end, _) in pairwise(notes):
            axes.barh(row, end - start, left=start, height=BAR, color=colours[word], alpha=0.85)
        end, word = notes[-1]
        axes.annotate(word, (end, row), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(phases.notes)), labels=list(phases.notes)[::-1])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    if seconds is None:
        seconds = max(phases.duration, 1e-9)
    axes.set_xlim(0, seconds * ROOM_FOR_LAST_WORD)
    axes.set_xlabel("seconds since the first task asked")
    handles = [Patch(color=colour, alpha=0.85, label=word) for word, colour in colours.items()]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(handles) or 1,
                frameon=False, fontsize=9, borderaxespad=0.1, labelcolor=INK)  # fmt: skip
    picture.suptitle(title, x=0.02, ha="left", fontsize=11)
    return picture


def _colours(phases: Phases) -> Mapping[str, str]:
    """A colour for each phase, in the order of their first notes."""
    words = list(dict.fromkeys(word for notes in phases.notes.values() for _, word in notes[:-1]))
    further = iter(FURTHER_COLOURS * len(words))
    return {word: USUAL_COLOURS.get(word) or next(further) for word in words}
