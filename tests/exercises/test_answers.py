"""A sample of the bank of answers; all of it is tried by `tests/deep/test_answers.py`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from labsupport.exercises import check
from labsupport.exercises.spine import Task, all_tasks
from labsupport.postgres import find_server
from tests.exercises.bank import BANK, answers_of, complain, load_solution, try_out

IDS = [task.id for task in all_tasks()]
BOOKS = ("11", "12", "13")
ELSEWHERE = [task for task in all_tasks() if not task.lesson.startswith(BOOKS)]
"""The exercises of lessons and of the workshop; the others are solved with their notebooks."""


@pytest.mark.parametrize(
    "task_id", [task.id for task in all_tasks() if task.lesson.startswith(BOOKS)]
)
async def test_a_wrong_answer_is_refused(exercise_home: Path, task_id: str) -> None:
    """Right ones are tried with the notebooks: the reference solutions."""
    await try_out(answers_of(task_id, "wrong")[0])


@pytest.mark.parametrize("task", ELSEWHERE, ids=lambda task: task.id)
async def test_an_exercise_tells_right_from_wrong(exercise_home: Path, task: Task) -> None:
    """The reference solution and a wrong answer, at the same time to save some."""
    await find_server()  # Its first start is no part of the answers' time.
    solved, _ = await asyncio.gather(
        check(task.id, load_solution(task)), try_out(answers_of(task.id, "wrong")[0])
    )
    assert solved.outcome == "correct", solved


@pytest.mark.parametrize("task", all_tasks(), ids=lambda task: task.id)
def test_there_are_enough_answers(task: Task) -> None:
    wrong, right = (len(answers_of(task.id, kind)) for kind in ("wrong", "right"))
    said = f"{task.id} has {wrong} wrong and {right} right answers in {BANK}"
    assert wrong >= (3 if task in ELSEWHERE else 5), said
    assert right >= (2 if task in ELSEWHERE else 3), said


def test_the_answers_have_the_form_of_the_bank() -> None:
    complaints = [complain(path) for path in sorted(BANK.rglob("*.py"))]
    assert [text for text in complaints if text] == []
    assert {path.parent.name for path in BANK.rglob("*.py")} <= set(IDS)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("good.py", '"""Right: x."""', "neither right_ nor wrong_"),
        ("wrong_a.py", '"""Wrong: x."""', "Says: word"),
        ("right_a.py", '"""It does x."""', "begin the first line"),
        ("wrong_a.py", '"""Wrong: x. Says: timeout | limit."""', ""),
    ],
)
def test_bad_form_is_named(tmp_path: Path, name: str, text: str, expected: str) -> None:
    path = tmp_path / name
    path.write_text(text + "\n", encoding="utf-8")
    said = complain(path)
    assert expected in said and bool(said) == bool(expected)
