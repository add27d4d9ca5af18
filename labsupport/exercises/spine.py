"""What the exercises are: one entry of `tasks.toml` for each, read once."""

from __future__ import annotations

import importlib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from labsupport.errors import LabError

__all__ = ["Task", "all_tasks", "find_task", "tasks_file"]


@dataclass(frozen=True)
class Task:
    """One exercise."""

    id: str
    title: str
    lesson: str
    """The notebook that holds it, without `.ipynb`."""
    minutes: int
    """How long a learner is likely to need."""
    answer: str
    """What the class or function is called in the starter and in the solution."""
    server: Literal["shared", "own"]
    """The notebook's server, or a throwaway one, for checks that stop it or make roles."""
    check: str
    """The module below `labsupport.exercises.checks` that holds `async def check`."""
    solution: str
    """The file below `labsupport/exercises/solutions`."""
    why: str
    """What is said after a correct answer: why it matters."""
    hints: tuple[str, ...]
    """From a nudge to nearly the answer."""

    @property
    def solution_file(self) -> Path:
        """Where the reference solution lies."""
        return Path(__file__).parent / "solutions" / self.solution

    @property
    def solution_code(self) -> str:
        """The reference solution as a learner reads it: without lines that only tools need."""
        lines = self.solution_file.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("__all__ =")]
        return re.sub(r"\n{4,}", "\n\n\n", "\n".join(kept)) + "\n"

    def load_check(self) -> Any:
        """Return the coroutine function `check(answer, bench)` of this exercise."""
        return importlib.import_module(f"labsupport.exercises.checks.{self.check}").check


def tasks_file() -> Path:
    """The file that says what the exercises are."""
    return Path(__file__).with_name("tasks.toml")


@cache
def all_tasks() -> tuple[Task, ...]:
    """Return every exercise, in the order of the file."""
    entries = tomllib.loads(tasks_file().read_text(encoding="utf-8"))["task"]
    return tuple(Task(**{**entry, "hints": tuple(entry["hints"])}) for entry in entries)


def find_task(task_id: str) -> Task:
    """Return the exercise with that id. Raises `LabError` when there is none."""
    for task in all_tasks():
        if task.id == task_id:
            return task
    known = ", ".join(task.id for task in all_tasks())
    raise LabError(f"There is no exercise {task_id!r}. Choose one of: {known}.")
