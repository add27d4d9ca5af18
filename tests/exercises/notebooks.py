"""The exercise notebooks as tests read and fill them."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from labsupport.exercises.spine import find_task
from tests.notebook_lint import Cell, Lesson, read_notebook

__all__ = ["NOTEBOOKS", "checked_cells", "solved", "starter"]

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def checked_cells(path: Path) -> dict[str, Cell]:
    """The cells that call `check`, by the id of the exercise."""
    lesson = Lesson(read_notebook(path), path)
    found = {}
    for cell in lesson.code:
        for call in cell.calls_of("check", ""):
            assert isinstance(call.node.args[0], ast.Constant)
            found[str(call.node.args[0].value)] = cell
    return found


def starter(path: Path, cell: Cell, name: str) -> Any:
    """What the cell of that notebook defines under that name before anybody has changed it."""
    imports = [
        node
        for node in Lesson(read_notebook(path), path).code[0].tree.body  # type: ignore[union-attr]
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(ast.Module(imports, []), str(path), "exec"), space)
    exec(re.split(r"^.*\bawait check\(", cell.source, flags=re.MULTILINE)[0], space)
    return space.get(name)


def solved(path: Path) -> NotebookNode:
    """The notebook with the reference solutions in the place of the starters."""
    notebook = read_notebook(path)
    for task_id, cell in checked_cells(path).items():
        task = find_task(task_id)
        code = f'{task.solution_code}\n\nawait check("{task_id}", {task.answer})'
        notebook.cells[cell.place - 1].source = code
    return notebook
