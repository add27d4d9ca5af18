"""Record the reference results and the README's picture: `python benchmarks/record_reference.py`.

It runs lesson 01 in a kernel, from top to bottom, and then saves what the lesson measured, so the
recorded results come from exactly what a learner runs. It fails when a claim does not hold.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
LESSON = ROOT / "notebooks" / "01_why_pooling_matters.ipynb"
FOLDER = ROOT / "data" / "reference"
SAVE = f"""
from pathlib import Path
from labsupport.lessons import claims
assert not claims.failed(), claims.failed()
folder = Path({str(FOLDER)!r})
counting.save(folder / "01_count_users.json")
cheap.save(folder / "01_select_1.json")
growing.save(folder / "01_growing.json")
picture = plot_headline(counting)
picture.savefig(folder / "pooled_against_unpooled.png", dpi=130)
"""


def main() -> int:
    """Run the lesson and save its results; a cell that raises ends it."""
    notebook = nbformat.read(LESSON, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    last = notebook.cells.pop()
    notebook.cells += [nbformat.v4.new_code_cell(SAVE), last]
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(LESSON.parent)}}
    )
    client.execute()
    print(f"Recorded in {FOLDER}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
