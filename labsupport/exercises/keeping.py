"""How far a learner has come: a small readable file, `my_work/progress.json`."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from labsupport.errors import cannot_write
from labsupport.exercises.results import Result
from labsupport.exercises.spine import all_tasks
from labsupport.places import work_folder

__all__ = ["Progress", "count_hint", "forget", "progress", "record"]

LOCK_LIMIT = 10
BAR = 20
OTHERWISE = "Make it a folder that you may write to, or move what is there out of the way."
HEADINGS = ("exercise", "title", "outcome", "checks", "hints", "minutes planned")
WORDS = 3
"""So many of these columns hold words, the others numbers."""


@dataclass(frozen=True)
class Progress:
    """Every exercise with what became of it. It shows itself as a bar and a table."""

    rows: tuple[tuple[str, str, str, int, int, int], ...]
    """Id, title, outcome, number of checks, hints seen, planned minutes."""

    @property
    def correct(self) -> int:
        """How many exercises are solved."""
        return sum(row[2] == "correct" for row in self.rows)

    @property
    def summary(self) -> str:
        """How many of how many exercises are solved."""
        return f"{self.correct} of {len(self.rows)} exercises are correct."

    def __repr__(self) -> str:
        full = BAR * self.correct // max(1, len(self.rows))
        lines = [f"[{'#' * full}{'.' * (BAR - full)}] {self.summary}"]
        for row in self.rows:
            lines.append(f"  {row[0]:5} {row[2]:13} {row[3]:2} checks {row[4]:2} hints  {row[1]}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        lines = "".join(_html_line("td", row) for row in self.rows)
        return (
            f'<p><progress value="{self.correct}" max="{len(self.rows)}"></progress> '
            f"{self.summary}</p><table>{_html_line('th', HEADINGS)}{lines}</table>"
        )


def _html_line(tag: str, cells: tuple[object, ...]) -> str:
    """A line of the table: words stand at the left, the numbers at the right."""
    sides = ["left"] * WORDS + ["right"] * (len(cells) - WORDS)
    texts = (
        f'<{tag} style="text-align: {side}">{html.escape(str(cell))}</{tag}>'
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{''.join(texts)}</tr>"


def progress() -> Progress:
    """Return how far you have come with the exercises."""
    known = _read()
    rows = []
    for task in all_tasks():
        entry = known.get(task.id, {})
        outcome = str(entry.get("outcome", "not attempted"))
        counts = (_count(entry, "checks"), _count(entry, "hints"))
        rows.append((task.id, task.title, outcome, *counts, task.minutes))
    return Progress(tuple(rows))


def record(result: Result) -> None:
    """Note the outcome of a check. What was correct once stays so. Raises `LabError`."""
    if result.outcome == "not attempted":
        return
    with _changing() as known:
        entry = known.setdefault(result.task, {})
        entry["checks"] = _count(entry, "checks") + 1
        if entry.get("outcome") != "correct":
            entry["outcome"] = result.outcome
            entry["at"] = time.strftime("%Y-%m-%d %H:%M:%S")


def count_hint(task_id: str, hints: int) -> int:
    """Note that one more hint is shown; return its number, from 1 to `hints`."""
    with _changing() as known:
        entry = known.setdefault(task_id, {})
        entry["hints"] = min(hints, _count(entry, "hints") + 1)
        return int(entry["hints"])


def forget(task_ids: list[str]) -> bool:
    """Forget what is known of these exercises, keep a copy; return whether anything was known."""
    if not any(task_id in _read() for task_id in task_ids):
        return False
    with _changing() as known:
        kept = work_folder() / "kept"
        kept.mkdir(exist_ok=True)
        copy = kept / f"progress-{time.strftime('%Y%m%d-%H%M%S')}.json"
        copy.write_bytes(_file().read_bytes())
        for task_id in task_ids:
            known.pop(task_id, None)
    return True


def _file() -> Path:
    return work_folder() / "progress.json"


def _count(entry: Mapping[str, Any], name: str) -> int:
    value = entry.get(name, 0)
    return value if isinstance(value, int) else 0


@contextmanager
def _changing() -> Iterator[dict[str, Any]]:
    """Hold the file alone, and write what the block made of it, whole or not at all."""
    try:
        work_folder().mkdir(exist_ok=True)
        with filelock.FileLock(work_folder() / ".progress.lock", timeout=LOCK_LIMIT):
            known = _read()
            yield known
            half = _file().with_name("progress.json.half")
            half.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
            half.replace(_file())
    except OSError as error:
        raise cannot_write(str(work_folder()), error, OTHERWISE) from error


def _read() -> dict[str, Any]:
    # A file that somebody edited by hand and broke is put aside, never overwritten.
    try:
        known = json.loads(_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        known = None
    if isinstance(known, dict) and all(isinstance(entry, dict) for entry in known.values()):
        return known
    kept = _file().with_name("progress-unreadable.json")
    _file().replace(kept)
    print(f"progress.json could not be read; it is kept as {kept.name} and a new one begins.")
    return {}
