"""A time line: what a pool looked like while something ran, as columns of numbers."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labsupport.measuring.files import read, write

__all__ = ["IDLE", "IN_USE", "MAX_SIZE", "SESSIONS", "SIZE", "WAITING", "Mark", "TimeLine"]

IN_USE = "acquired_count"
IDLE = "idle_count"
SIZE = "size"
MAX_SIZE = "max_size"
WAITING = "queue_size"
SESSIONS = "sessions"
"""The columns that plots, sentences and the live view know; there may be others beside them."""

SHOWN_NOTES = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """Something that happened `seconds` after the start."""

    seconds: float
    label: str


@dataclass(frozen=True, eq=False)
class TimeLine:
    """Samples of a pool, a few times a second.

    `seconds`: when each sample was taken, counted from the start, shape (number of samples,).
    `columns`: what was seen, by name, each of that shape; NaN where it is not known.
    `marks`: what happened meanwhile. `notes`: what went wrong with the sampling itself.

    Raises ValueError when a column has another length than `seconds`.
    """

    seconds: Floats
    columns: Mapping[str, Floats]
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, values in self.columns.items():
            if values.shape != self.seconds.shape:
                raise ValueError(f"The column {name!r} has another length than the seconds.")

    def most(self, name: str) -> float:
        """The largest value of a column, NaN when none is known."""
        return max(self._known(name), default=math.nan)

    def least(self, name: str) -> float:
        """The smallest value of a column, NaN when none is known."""
        return min(self._known(name), default=math.nan)

    def _known(self, name: str) -> list[float]:
        values = self.columns.get(name, floats([])).tolist()
        return [value for value in values if not math.isnan(value)]

    @property
    def sentence(self) -> str:
        """What the line shows, in words."""
        of = f" of {self.most(MAX_SIZE):.0f}" if self._known(MAX_SIZE) else ""
        seen = [
            text.format(self.most(name), "s" * (self.most(name) != 1))
            for name, text in (
                (IN_USE, f"{{:.0f}}{of} connections in use"),
                (WAITING, "{:.0f} request{} waiting"),
                (SESSIONS, "{:.0f} session{} seen by the server"),
            )
            if self._known(name)
        ]
        length = f"In {self.seconds[-1] if len(self.seconds) else 0:.1f} s"
        text = f"{length} there were at most {', '.join(seen)}." if seen else f"{length}: no data."
        if self.marks:
            marks = ", ".join(f"{mark.label} at {mark.seconds:.1f} s" for mark in self.marks)
            text += f" Marked: {marks}."
        return " ".join([text, *self.notes[:SHOWN_NOTES]])

    def frame(self) -> pd.DataFrame:
        """A row for each sample, its second as the index."""
        return pd.DataFrame(dict(self.columns), index=pd.Index(self.seconds, name="seconds"))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save as one JSON file; LabError when that is not possible."""
        return write(path, "time line", self.to_payload())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TimeLine:
        """Read what `save` wrote; LabError when the file is broken or something else."""
        return read(path, "time line", cls.from_payload)

    def to_payload(self) -> dict[str, Any]:
        """The line as plain values for a JSON file, None for NaN."""
        return {
            "seconds": self.seconds.tolist(),
            "columns": {
                name: [None if math.isnan(value) else value for value in values.tolist()]
                for name, values in self.columns.items()
            },
            "marks": [[mark.seconds, mark.label] for mark in self.marks],
            "notes": list(self.notes),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> TimeLine:
        """The line as `to_payload` wrote it. Raises ValueError or TypeError for anything else."""
        return cls(
            seconds=floats(payload["seconds"]),
            columns={name: floats(values) for name, values in payload["columns"].items()},
            marks=tuple(Mark(float(seconds), str(label)) for seconds, label in payload["marks"]),
            notes=tuple(str(note) for note in payload["notes"]),
        )


def floats(values: Any) -> Floats:
    """Numbers, or None for NaN, as an array that nobody can change by mistake."""
    array = np.array(values, dtype=np.float64)
    array.setflags(write=False)
    return array
