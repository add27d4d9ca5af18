"""What participants have brought: progress files and saved comparisons, gathered from a folder."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport.errors import LabError
from labsupport.exercises.spine import all_tasks
from labsupport.measuring import Comparison, Overlay

__all__ = ["Gathered", "Room", "gather"]

HEADLINE = "SELECT count(*) FROM users"
BASELINE = "connect each time"
TASK_ID = re.compile(r"\d{1,2}\.[0-9a-z]{1,2}")
NOT_BROUGHT = {"predictions.json"}
NOT_ENTERED = {"kept", "node_modules", "__pycache__"}
LARGEST = 64_000_000
"""Bytes. A comparison of a minute is a few hundred thousand."""


@dataclass(frozen=True)
class Room:
    """The room's own distribution: how many times as many requests the pool answered."""

    participants: int
    lowest: float
    middle: float
    """The median of the participants' ratios."""
    highest: float


@dataclass(frozen=True)
class Gathered:
    """Everybody's progress and comparisons."""

    outcomes: Mapping[str, Mapping[str, str]]
    """For each participant, in the order of names: what became of each exercise, by its id."""
    comparisons: Mapping[str, Comparison]
    """The comparison of each participant who brought one: pooled against unpooled."""
    broken: tuple[str, ...]
    """A sentence for each file that could not be read."""
    aside: tuple[str, ...]
    """A sentence for each file that could be read and has no place here."""

    def solved(self, participant: str) -> int:
        """How many exercises are correct."""
        return list(self.outcomes[participant].values()).count("correct")

    @property
    def overlay(self) -> Overlay:
        """The comparisons, to be drawn with `plot_overlay`."""
        return Overlay(self.comparisons, {})

    @property
    def room(self) -> Room | None:
        """The distribution of the ratios; None when nobody brought one."""
        every = (comparison.ratio().median for comparison in self.comparisons.values())
        ratios = sorted(ratio for ratio in every if not math.isnan(ratio))
        if not ratios:
            return None
        half = len(ratios) // 2
        middle = ratios[half] if len(ratios) % 2 else (ratios[half - 1] + ratios[half]) / 2
        return Room(len(ratios), ratios[0], middle, ratios[-1])


def gather(folder: Path) -> Gathered:
    """Read a folder with a file or a folder for each participant.

    A participant is called like the folder, or like the file up to its first dot: `ann/` with
    whatever she kept in `my_work`, or `ann.progress.json` and `ann.measure.json`. A file that
    cannot be read is named and left out. Raises `LabError` when there is no such folder.
    """
    found = _Found()
    for participant, path in _files(folder):
        try:
            found.add(participant, path)
        except LabError as error:
            found.broken.append(str(error))
    everybody = sorted({*found.outcomes, *found.comparisons})
    chosen = {
        name: max(found.comparisons[name], key=_rank)
        for name in everybody
        if name in found.comparisons
    }
    for name, comparison in chosen.items():
        query = comparison.conditions.facts.get("query", "an unknown query")
        if query != HEADLINE:
            found.aside.append(f"The comparison of {name} ran another query: {query}")
    tasks = [task.id for task in all_tasks()]
    outcomes = {
        name: {task: found.outcomes.get(name, {}).get(task, "-") for task in tasks}
        for name in everybody
    }
    return Gathered(outcomes, chosen, tuple(found.broken), tuple(found.aside))


class _Found:
    """What the files hold, as they are read one after the other."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, str]] = {}
        self.comparisons: dict[str, list[Comparison]] = {}
        self.broken: list[str] = []
        self.aside: list[str] = []

    def add(self, participant: str, path: Path) -> None:
        """Read a file of a participant. Raises `LabError` when it is none of the lab's."""
        content = _read(path)
        if not ("format" in content and "kind" in content):
            outcomes = _outcomes(path, content)
            _merge(self.outcomes.setdefault(participant, {}), outcomes)
        elif content["kind"] != "comparison":
            self.aside.append(f"{path} holds a {content['kind']} and no comparison.")
        else:
            comparison = Comparison.load(path)
            if comparison.baseline == BASELINE and len(comparison.results) > 1:
                self.comparisons.setdefault(participant, []).append(comparison)
            else:
                self.aside.append(f"{path} compares something else than a pool with {BASELINE!r}.")


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file that may count, with its participant."""
    for entry in _entries(folder):
        if entry.name.startswith(".") or entry.name in NOT_BROUGHT:
            continue
        if entry.is_dir():
            for path in _below(entry):
                yield entry.name, path
        elif entry.suffix.lower() == ".json":
            yield entry.name.split(".")[0], entry


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise LabError(
            f"{folder} cannot be read ({error.strerror}). Name a folder that holds the "
            "participants' files and that you may read."
        ) from error


def _below(folder: Path) -> Iterator[Path]:
    for path in _entries(folder):
        if path.name.startswith(".") or path.is_symlink():
            continue  # A link could lead round in a circle.
        if path.is_dir():
            if path.name not in NOT_ENTERED:
                yield from _below(path)
        elif path.suffix.lower() == ".json" and path.name not in NOT_BROUGHT:
            yield path


def _read(path: Path) -> Mapping[str, Any]:
    """The content of a JSON file. Raises `LabError` with the reason when it has none for us."""
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise LabError(f"{path} has {size:,} bytes, which is more than the lab ever writes.")
        text = path.read_text(encoding="utf-8")
        if not text.strip():
            raise LabError(f"{path} is empty.")
        content = json.loads(text)
    except OSError as error:
        raise LabError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise LabError(f"{path} is broken: it is no JSON.") from error
    if not isinstance(content, dict):
        raise LabError(f"{path} is neither progress nor a measurement of this lab.")
    return content


def _outcomes(path: Path, content: Mapping[str, Any]) -> dict[str, str]:
    """What a progress file says of each exercise."""
    rows = content.items()
    if not all(TASK_ID.fullmatch(name) and isinstance(entry, dict) for name, entry in rows):
        raise LabError(f"{path} is neither progress nor a measurement of this lab.")
    return {
        name: entry["outcome"]
        for name, entry in rows
        if entry.get("outcome") in ("correct", "not yet")
    }


def _merge(into: dict[str, str], more: Mapping[str, str]) -> None:
    """Add what another file of the same participant says; what was correct once stays so."""
    for task, outcome in more.items():
        if into.get(task) != "correct":
            into[task] = outcome


def _rank(comparison: Comparison) -> tuple[bool, str]:
    """The comparison to prefer: the one of lesson 01, and of these the newest."""
    conditions = comparison.conditions
    return conditions.facts.get("query") == HEADLINE, conditions.when
