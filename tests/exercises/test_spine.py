"""The author's lint: what every exercise has to have, and what to do when it lacks it."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labsupport.exercises.packing import untouched
from labsupport.exercises.spine import Task, all_tasks, find_task, tasks_file
from tests.exercises.notebooks import NOTEBOOKS, checked_cells, starter

ROOMS = Path(tasks_file()).parent
LONGEST_TITLE = 60


def complaints(task: Task) -> Iterator[str]:
    """One sentence for each thing that an exercise lacks: what is wrong and what to do."""
    if not re.fullmatch(r"[123]\.[1-4]|\d\d\.[ab]|1[56]\.[1-4]", task.id):
        yield f"{task.id!r} is no id: write '1.2', '03.a' for lesson 03, or '15.1' in the workshop."
    if not 5 <= len(task.title) <= LONGEST_TITLE:
        yield f"{task.id}: the title has {len(task.title)} letters; write 5 to {LONGEST_TITLE}."
    if not 1 <= task.minutes <= 30:
        yield f"{task.id}: minutes is {task.minutes}; write 1 to 30, or split the exercise."
    if len(task.hints) < 2 or not all(len(text) > 20 for text in task.hints):
        yield f"{task.id}: write two hints or more, each of them a sentence."
    if len(task.why) < 40:
        yield f"{task.id}: say in a sentence why the exercise matters (why)."
    if task.server not in ("shared", "own"):
        yield f"{task.id}: server is {task.server!r}; write 'shared' or 'own'."
    yield from _files(task)
    yield from _notebook(task)


def _files(task: Task) -> Iterator[str]:
    if not (ROOMS / "checks" / f"{task.check}.py").is_file():
        yield f"{task.id}: there is no checks/{task.check}.py; write it, with `async def check`."
    elif not inspect.iscoroutinefunction(task.load_check()):
        yield f"{task.id}: check in checks/{task.check}.py is not `async def check(answer, bench)`."
    if not task.solution_file.is_file():
        yield f"{task.id}: there is no solutions/{task.solution}; write a solution."
        return
    source = task.solution_file.read_text(encoding="utf-8")
    if task.answer not in {getattr(node, "name", "") for node in ast.parse(source).body}:
        yield f"{task.id}: solutions/{task.solution} defines no {task.answer}; name it so."


def _notebook(task: Task) -> Iterator[str]:
    path = NOTEBOOKS / f"{task.lesson}.ipynb"
    if not path.is_file():
        yield f"{task.id}: there is no notebooks/{task.lesson}.ipynb; correct `lesson`."
        return
    cells = checked_cells(path)
    if task.id not in cells:
        yield f'{task.id}: {path.name} has no `await check("{task.id}", {task.answer})`.'
    elif not untouched(starter(path, cells[task.id], task.answer)):
        yield f"{task.id}: the starter in {path.name} does something; leave `...` for the learner."


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_every_exercise_is_complete(task: Task) -> None:
    assert list(complaints(task)) == []


def test_ids_are_there_once_and_nothing_lies_about() -> None:
    tasks = all_tasks()
    assert max(Counter(task.id for task in tasks).values()) == 1
    checks = {path.stem for path in (ROOMS / "checks").glob("[a-z]*.py")}
    assert checks == {task.check for task in tasks}, "a check that no exercise names, or none"
    solutions = {path.name for path in (ROOMS / "solutions").glob("[a-z]*.py")}
    assert solutions == {task.solution for task in tasks}, "a solution that no exercise names"


def test_the_twelve_of_the_tutorial_are_there() -> None:
    ids = {task.id for task in all_tasks()}
    assert {f"{exercise}.{task}" for exercise in (1, 2, 3) for task in (1, 2, 3, 4)} <= ids


def test_every_lesson_has_two_small_ones() -> None:
    small = {(task.id, task.lesson[:2]) for task in all_tasks() if task.id[-1].isalpha()}
    lessons = [f"{number:02}" for number in range(1, 11)]
    assert small == {(f"{lesson}.{letter}", lesson) for lesson in lessons for letter in "ab"}


def test_notebooks_check_nothing_that_is_no_exercise() -> None:
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for task_id in checked_cells(path):
            assert find_task(task_id).lesson == path.stem


FAULTS = {
    "id": ({"id": "1-2"}, "is no id"),
    "title": ({"title": "x"}, "the title has 1 letters"),
    "minutes": ({"minutes": 90}, "split the exercise"),
    "one hint": ({"hints": ("Only this one, and it is long enough.",)}, "two hints or more"),
    "why": ({"why": ""}, "why the exercise matters"),
    "server": ({"server": "mine"}, "write 'shared' or 'own'"),
    "check": ({"check": "nothing"}, "there is no checks/nothing.py"),
    "solution": ({"solution": "nothing.py"}, "there is no solutions/nothing.py"),
    "answer": ({"answer": "Other"}, "defines no Other"),
    "lesson": ({"lesson": "77_nothing"}, "there is no notebooks/77_nothing.ipynb"),
    "other lesson": ({"lesson": "00_start_here"}, "has no `await check"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named(name: str) -> None:
    changes, expected = FAULTS[name]
    said = list(complaints(replace(find_task("1.1"), **changes)))  # type: ignore[arg-type]
    assert any(expected in sentence for sentence in said), said
