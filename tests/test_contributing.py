"""The recipe for a new lesson, followed to the letter, gives one that the lint has nothing on."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.exercises.notebooks import checked_cells
from tests.notebook_lint import lint, read_notebook

ROOT = Path(__file__).resolve().parent.parent
TRY_IT = ("task-", "exercise-")
"""How the ids of the cells of *Try it yourself* begin."""


def first_command(heading: str) -> str:
    """Return the first block of commands below a heading of CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    below = text.partition(f"## {heading}\n")[2]
    found = re.search(r"^ *```\n(.*?)^ *```", below, re.DOTALL | re.MULTILINE)
    assert found
    return textwrap.dedent(found[1])


# CONTRIBUTING.md says that its commands are for Linux and macOS.
if sys.platform != "win32":

    def test_a_copy_of_a_lesson_is_a_lesson(tmp_path: Path) -> None:
        shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
        before = set((tmp_path / "notebooks").iterdir())
        command = first_command("Add a lesson")
        subprocess.run(["sh", "-e", "-c", command], cwd=tmp_path, check=True, timeout=60)
        (copy,) = set((tmp_path / "notebooks").iterdir()) - before
        assert not list((ROOT / "notebooks").glob(f"{copy.name[:2]}_*")), "take the next number"
        notebook = read_notebook(copy)
        kept = [cell for cell in notebook.cells if not cell.id.startswith(TRY_IT)]
        assert len(kept) == len(notebook.cells) - 4
        assert set(checked_cells(copy)) == {"01.a", "01.b"}, "what the recipe has deleted"
        notebook.cells = kept
        assert lint(notebook, copy) == []
