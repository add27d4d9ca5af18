"""A sample of the bank of answers; all of it is tried by `tests/deep/test_answers.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from labsupport.exercises.spine import all_tasks
from tests.exercises.bank import BANK, answers_of, complain, try_out

WRONG = 5
RIGHT = 3
IDS = [task.id for task in all_tasks()]


@pytest.mark.parametrize("task_id", IDS)
async def test_a_wrong_answer_is_refused(exercise_home: Path, task_id: str) -> None:
    """Right ones are tried with the notebooks: the reference solutions."""
    await try_out(answers_of(task_id, "wrong")[0])


@pytest.mark.parametrize("task_id", IDS)
def test_there_are_enough_answers(task_id: str) -> None:
    wrong, right = (len(answers_of(task_id, kind)) for kind in ("wrong", "right"))
    said = f"{task_id} has {wrong} wrong and {right} right answers in {BANK}"
    assert wrong >= WRONG, said
    assert right >= RIGHT, said


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
