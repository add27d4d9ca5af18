"""Several files laid over each other: the results of a room, or a reference behind one's own."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from labsupport.errors import LabError
from labsupport.measuring.comparison import Comparison
from labsupport.measuring.results import table_of

__all__ = ["Overlay", "overlay"]

Paths = Iterable[str | os.PathLike[str]] | Mapping[str, str | os.PathLike[str]]


@dataclass(frozen=True)
class Overlay:
    """Comparisons of several files, each under a name.

    `left_out`: the names of files that could not be read, each with the sentence that says why.
    """

    comparisons: Mapping[str, Comparison]
    left_out: Mapping[str, str]

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms of all comparisons, in the order in which they are first seen."""
        seen = (arm for comparison in self.comparisons.values() for arm in comparison.results)
        return tuple(dict.fromkeys(seen))

    def table(self) -> pd.DataFrame:
        """A row for each file and arm: its figures, its ratio with interval, limit and machine."""
        frames = []
        for name, comparison in self.comparisons.items():
            frame = table_of(comparison.results)
            ratios = [comparison.ratios.get(arm) for arm in comparison.results]
            frame["ratio"] = [ratio.median if ratio else math.nan for ratio in ratios]
            frame["ratio from"] = [ratio.low if ratio else math.nan for ratio in ratios]
            frame["ratio to"] = [ratio.high if ratio else math.nan for ratio in ratios]
            frame["limited by"] = [limit.limited_by for limit in comparison.limits.values()]
            conditions = comparison.conditions
            frame["machine"] = f"{conditions.platform}, {conditions.cpu_count} CPUs"
            frames.append(pd.concat({name: frame}, names=["file"]))
        return pd.concat(frames)


def overlay(paths: Paths) -> Overlay:
    """Read comparisons that `Comparison.save` wrote, each named after its file or as given.

    A file that cannot be read is left out and named in `left_out`: one broken file must not
    keep a room from its picture. Raises LabError when none can be read.
    """
    named = paths if isinstance(paths, Mapping) else _by_name([Path(path) for path in paths])
    comparisons: dict[str, Comparison] = {}
    left_out: dict[str, str] = {}
    for name, path in named.items():
        try:
            comparisons[name] = Comparison.load(path)
        except LabError as error:
            left_out[name] = str(error)
    if not comparisons:
        reasons = " ".join(left_out.values()) or "There are no files."
        raise LabError(f"No comparison can be laid over another. {reasons}")
    return Overlay(comparisons, left_out)


def _by_name(paths: list[Path]) -> dict[str, Path]:
    """Paths by the names of their files, or by their whole path where names are the same."""
    stems = [path.stem for path in paths]
    return {path.stem if stems.count(path.stem) == 1 else str(path): path for path in paths}
