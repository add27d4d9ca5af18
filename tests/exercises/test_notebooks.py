"""The exercise notebooks run as shipped, and with the reference solutions put in."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import nbclient
import pytest
from nbformat import NotebookNode

from labsupport.exercises.results import Outcome
from tests.exercises.notebooks import NOTEBOOKS, checked_cells, solved
from tests.notebook_lint import read_notebook

BOOKS = sorted(NOTEBOOKS.glob("1[123]_exercise_*.ipynb"))
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
