"""Exercises run as shipped, and with the reference solutions put in.

A lesson's own exercises are checked here as shipped without their lesson, and with the solutions
in `test_answers.py`: nothing in the lesson has a part in what they say.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import get_args

import nbclient
import pytest
from nbformat import NotebookNode

from labsupport.exercises import check, checking
from labsupport.exercises.results import Outcome
from labsupport.exercises.spine import all_tasks, find_task
from tests.exercises.notebooks import NOTEBOOKS, checked_cells, solved, starter
from tests.notebook_lint import Lesson, read_notebook

BOOKS = sorted(NOTEBOOKS.glob("1[123]_exercise_*.ipynb"))
LESSONS = sorted({task.lesson for task in all_tasks()} - {path.stem for path in BOOKS})
CELL_LIMIT = 60


def outcomes(notebook: NotebookNode, home: Path, work: Path) -> list[str]:
    """Execute the notebook; what each check says, in their order."""
    # The kernel's progress belongs to this test and not to the clone.
    elsewhere = (
        "from pathlib import Path as _Path\nfrom labsupport.exercises import keeping as _keeping\n"
        f"_keeping.work_folder = lambda: _Path({str(work)!r})\n"
    )
    notebook.cells[1].source = elsewhere + notebook.cells[1].source
    nbclient.NotebookClient(
        notebook,
        timeout=CELL_LIMIT,
        kernel_name="python3",
        resources={"metadata": {"path": str(NOTEBOOKS)}},
    ).execute()
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/plain", "")
            if text.startswith("["):
                found.append(text[1 : text.index("]")])
    return [word for word in found if word in get_args(Outcome)]


def test_there_are_three() -> None:
    assert [path.name[:2] for path in BOOKS] == ["11", "12", "13"]
    assert all(len(checked_cells(path)) == 4 for path in BOOKS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_with_the_solutions_everything_is_correct(
    exercise_home: Path, work: Path, path: Path
) -> None:
    assert outcomes(solved(path), exercise_home, work) == ["correct"] * 4


@pytest.mark.timeout(300)
def test_as_shipped_nothing_is_attempted(exercise_home: Path, work: Path) -> None:
    """nbval runs all three as they are; this looks at what the first one says."""
    notebook = read_notebook(BOOKS[0])
    assert outcomes(notebook, exercise_home, work) == ["not attempted"] * 4
    assert not (work / "progress.json").exists()


@pytest.mark.parametrize("lesson", LESSONS)
async def test_a_lessons_exercises_as_shipped_are_not_attempted(
    monkeypatch: pytest.MonkeyPatch, work: Path, lesson: str
) -> None:
    """And no process is started for them, nor a server asked, so that a lesson stays as short."""
    monkeypatch.delattr(checking, "_try")
    path = NOTEBOOKS / f"{lesson}.ipynb"
    for task_id, cell in checked_cells(path).items():
        result = await check(task_id, starter(path, cell, find_task(task_id).answer))
        assert result.outcome == "not attempted", result
    assert not work.exists()


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_puts_nothing_in_the_place_of_check(lesson: str) -> None:
    """Its cells share their names with the exercises below them."""
    path = NOTEBOOKS / f"{lesson}.ipynb"
    wanted = {"check", "hint", "solution"}
    imported: set[str] = set()
    for cell in Lesson(read_notebook(path), path).code:
        for node in cell.tree.body if cell.tree else []:
            if isinstance(node, ast.ImportFrom) and node.module == "labsupport.exercises":
                imported |= {alias.name for alias in node.names}
            else:
                assert not names_given_by(node) & wanted, f"{cell}: give it another name."
    assert imported >= wanted


def names_given_by(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of a cell gives to something."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    names = {
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    }
    if isinstance(node, ast.Import | ast.ImportFrom):
        names |= {alias.asname or alias.name for alias in node.names}
    return names
