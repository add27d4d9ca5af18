"""One exercise as it was published: its cell in the notebook, and nothing known of it."""

from __future__ import annotations

import json
from typing import Any

from labsupport.commands.pristine import published
from labsupport.errors import LabError
from labsupport.exercises.keeping import forget
from labsupport.exercises.spine import Task
from labsupport.places import project_root

__all__ = ["fresh_cell"]


def fresh_cell(task: Task) -> bytes | None:
    """Forget the exercise's progress; return the notebook with its cell as it was published.

    None when the cell is so already. Raises `LabError` when the notebook has no such cell.
    """
    fresh = _cell_of(task, json.loads(published(task.lesson)))
    path = project_root() / "notebooks" / f"{task.lesson}.ipynb"
    whole = f"`python3 -m labsupport reset {task.lesson}` gives the whole notebook."
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cell = next(cell for cell in notebook["cells"] if cell.get("id") == fresh["id"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise LabError(
            f"{path.name} is missing or has no cell for exercise {task.id} any more. {whole}"
        ) from error
    forget([task.id])
    if "".join(cell["source"]) == "".join(fresh["source"]):
        return None
    cell.clear()
    cell.update(fresh)
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def _cell_of(task: Task, notebook: dict[str, Any]) -> dict[str, Any]:
    """The cell of the published notebook that checks the exercise."""
    for cell in notebook["cells"]:
        if f'check("{task.id}"' in "".join(cell["source"]) and cell["cell_type"] == "code":
            return dict(cell)
    raise LabError(f"The published {task.lesson} has no exercise {task.id}. Fetch the clone again.")
