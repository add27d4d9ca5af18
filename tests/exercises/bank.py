"""The bank of answers below `tests/answers`: right and wrong ones, and what has to come of them.

A file's name begins with `right_` or `wrong_`, its first line is a docstring, and the object to
check is called `answer`. The docstring of a wrong one ends with `Says: word.`: the message has to
contain that word, or one of several that are separated by ` | `.
"""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path
from typing import Any

from labsupport.exercises import Result, check
from labsupport.exercises.spine import Task

__all__ = ["BANK", "answers_of", "complain", "load", "load_solution", "says", "try_out"]

BANK = Path(__file__).resolve().parent.parent / "answers"
SAYS = re.compile(r"\bSays: (.+?)\.?\s*$")


def answers_of(task_id: str, kind: str = "") -> list[Path]:
    """The answers to an exercise, all or those of one kind, "right" or "wrong"."""
    return sorted((BANK / task_id).glob(f"{kind}*.py"))


def load(path: Path) -> Any:
    """The answer, as a notebook would have it: defined in `__main__`, and so sent by value."""
    return runpy.run_path(str(path), run_name="__main__")["answer"]


def load_solution(task: Task) -> Any:
    """The reference solution as a learner would run it who has put it into the exercise's cell."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(task.solution_code, f"<solution of {task.id}>", "exec"), space)
    return space[task.answer]


def says(path: Path) -> list[str]:
    """The words of which the message about a wrong answer has to contain one."""
    found = SAYS.search(_first_line(path))
    return [word.strip() for word in found.group(1).split("|")] if found else []


def complain(path: Path) -> str:
    """What is wrong with the form of a file of the bank; empty is well."""
    if not path.name.startswith(("right_", "wrong_")):
        return f"{path} is neither right_ nor wrong_: rename it."
    if path.name.startswith("wrong_") and not says(path):
        return f"{path}: end the first line with 'Says: word.', the word that names the fault."
    if not re.match(r"(Right|Wrong): .", _first_line(path)):
        return f"{path}: begin the first line with 'Right: ' or 'Wrong: ' and say what it does."
    return ""


async def try_out(path: Path) -> None:
    """Check one answer; fail with all that was said unless it comes out as its name says."""
    result: Result = await check(path.parent.name, load(path))
    if path.name.startswith("right_"):
        assert result.outcome == "correct", result
        return
    assert result.outcome == "not yet", result
    message = result.message.lower()
    assert any(word.lower() in message for word in says(path)), f"{says(path)} not in: {result}"


def _first_line(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n")[0]
