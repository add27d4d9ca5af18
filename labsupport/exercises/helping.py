"""Hints, one after the other, and a reference solution on request."""

from __future__ import annotations

import html
from dataclasses import dataclass

from labsupport.exercises import keeping
from labsupport.exercises.results import in_html
from labsupport.exercises.spine import find_task

__all__ = ["Hint", "Solution", "hint", "solution"]

CODE = "overflow-x: auto; white-space: pre !important"
"""The style of code: JupyterLab would break its lines otherwise, in the middle of a word too."""


@dataclass(frozen=True)
class Hint:
    """One hint of an exercise."""

    task: str
    number: int
    of: int
    text: str

    def __repr__(self) -> str:
        more = "" if self.number < self.of else f' Then there is solution("{self.task}").'
        return f"Hint {self.number} of {self.of} for exercise {self.task}: {self.text}{more}"

    def _repr_html_(self) -> str:
        return f'<div style="padding: 2px 10px">{in_html(repr(self))}</div>'


@dataclass(frozen=True)
class Solution:
    """One way to solve an exercise; there are others."""

    task: str
    code: str

    def __repr__(self) -> str:
        return f"One solution of exercise {self.task}; there are others.\n\n{self.code}"

    def _repr_html_(self) -> str:
        return (
            f"<p>One solution of exercise {self.task}; there are others.</p>"
            f'<pre style="{CODE}">{html.escape(self.code)}</pre>'
        )


def hint(task_id: str) -> Hint:
    """Return the next hint; after the last one, that one again. Raises `LabError`."""
    task = find_task(task_id)
    number = keeping.count_hint(task_id, len(task.hints))
    return Hint(task_id, number, len(task.hints), task.hints[number - 1])


def solution(task_id: str) -> Solution:
    """Return a reference solution. Raises `LabError` for an id that does not exist."""
    return Solution(task_id, find_task(task_id).solution_code)
