"""Run a lesson only as far as the cell that shows the damage, and say whether it was noticed.

The lesson is cut: the cells up to the one that is named, and then its last cell, which sums up the
claims. Noticed means that the named cell fails, or that the last one names a claim of that cell. A
failure of any other cell counts for nothing, so that a cut lesson cannot be red for being cut.
"""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat

from tests.deep.mutating import Outcome, noticed, run_notebook

__all__ = ["claims_of", "cut", "run_up_to", "split_cell"]


def split_cell(target: str) -> tuple[str, str]:
    """Return the path of the notebook and the id of the cell, which stand with "::" between."""
    path, _, cell = target.partition("::")
    return path, cell


def cut(notebook: nbformat.NotebookNode, cell_id: str) -> nbformat.NotebookNode:
    """Return the code of the lesson up to that cell, and its last cell.

    Raises ValueError when the lesson has no code cell with that id before its last.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    ids = [cell.id for cell in code[:-1]]
    return nbformat.from_dict({**notebook, "cells": [*code[: ids.index(cell_id) + 1], code[-1]]})


def claims_of(source: str) -> list[str]:
    """Return the texts of the claims that a cell verifies."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    verified = [call for call in calls if getattr(call.func, "id", "") == "verify"]
    return [str(ast.literal_eval(call.args[0])) for call in verified]


def run_up_to(clone: Path, target: str) -> str:
    """Run the lesson in `clone` up to the cell `target`; return why it is not red, "" if it is."""
    path, cell_id = split_cell(target)
    whole = (clone / path).read_bytes()
    lesson = cut(nbformat.reads(whole.decode("utf-8"), as_version=4), cell_id)
    try:
        nbformat.write(lesson, str(clone / path))
        outcomes = run_notebook(clone, path)
    finally:
        (clone / path).write_bytes(whole)
    return _judge(outcomes, f"{path}::Cell", len(lesson.cells), claims_of(lesson.cells[-2].source))


def _judge(outcomes: list[Outcome], cell: str, cells: int, claims: list[str]) -> str:
    """Say why the last cell but one was not noticed as wrong; "" when it was.

    `claims` are the texts of what it verifies.
    """
    red = [outcome for outcome in outcomes if outcome.error]
    if not red:
        return "no cell failed"
    first = red[0]
    if noticed(first):
        summed_up = first.test == f"{cell} {cells}" and any(text in first.said for text in claims)
        if summed_up or first.test == f"{cell} {cells - 1}":
            return ""
    return f"{first.test} failed, which is not what was named: {first.said or first.error}"
