"""The verb `reset`: a notebook or one exercise as published, or the lab's databases anew."""

from __future__ import annotations

import argparse
import asyncio
import time

from labsupport.commands.leaving import server_left_as_found
from labsupport.commands.pristine import notebook_names, published
from labsupport.commands.reset_exercise import fresh_cell
from labsupport.errors import LabError
from labsupport.exercises.keeping import forget
from labsupport.exercises.spine import Task, all_tasks
from labsupport.places import project_root, work_folder
from labsupport.postgres import drop_lab_databases, find_server

__all__ = ["reset_notebook", "run"]

DATABASE = "database"


def run(options: argparse.Namespace) -> int:
    """Reset what was named, or list what can be reset; returns 0."""
    if options.name is None:
        print("What can be reset:")
        for name in [*notebook_names(), DATABASE]:
            print(f"  python3 -m labsupport reset {name}")
        print("  python3 -m labsupport reset 1.2    (an exercise, by its number)")
    elif options.name == DATABASE:
        _reset_databases()
    elif task := next((task for task in all_tasks() if task.id == options.name), None):
        print(reset_exercise(task))
    else:
        print(reset_notebook(_notebook_named(options.name)))
    return 0


def reset_notebook(name: str) -> str:
    """Put the published notebook `name` in place, keep the learner's, and say so in a sentence.

    What is known of its exercises is forgotten, too.
    """
    fresh = published(name)
    forget([task.id for task in all_tasks() if task.lesson == name])
    return _put(name, fresh)


def reset_exercise(task: Task) -> str:
    """Put the published cell of one exercise in place and forget the progress with it."""
    fresh = fresh_cell(task)
    if fresh is None:
        return f"The cell of exercise {task.id} is as it was published; its progress is forgotten."
    return f"Exercise {task.id} is as it was published. " + _put(task.lesson, fresh)


def _put(name: str, fresh: bytes) -> str:
    """Write the notebook `name`, keep the learner's, and say so in a sentence."""
    notebook = project_root() / "notebooks" / f"{name}.ipynb"
    kept = None
    try:
        if notebook.exists() and notebook.read_bytes() == fresh:
            return f"{name} is as it was published; nothing was changed."
        if notebook.exists():
            folder = work_folder() / "kept"
            folder.mkdir(parents=True, exist_ok=True)
            kept = folder / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.ipynb"
            kept.write_bytes(notebook.read_bytes())
        notebook.write_bytes(fresh)
    except OSError as error:
        raise LabError(
            f"{name} could not be reset ({error.strerror}: {error.filename}). "
            "Make the clone writable for you."
        ) from error
    yours = f" Your version is kept in {kept}." if kept else ""
    return (
        f"{name} is fresh again.{yours} "
        "If it is open in JupyterLab, choose File > Reload Notebook from Disk."
    )


def _notebook_named(text: str) -> str:
    """Return the notebook that `text` means: its whole name or its number."""
    names = notebook_names()
    wanted = text.removesuffix(".ipynb")
    matches = [name for name in names if name == wanted] or [
        name for name in names if name.split("_")[0] == wanted
    ]
    if len(matches) == 1:
        return matches[0]
    raise LabError(
        f"{text!r} is nothing that can be reset. Choose one of: {', '.join([*names, DATABASE])}, "
        "or an exercise by its number, such as 1.2."
    )


def _reset_databases() -> None:
    with server_left_as_found():
        dropped = asyncio.run(_drop())
    for name in dropped:
        print(f"Dropped {name}.")
    print(
        "The databases are made anew when a notebook's first cell runs next. "
        "Restart the kernels of notebooks that are open."
    )


async def _drop() -> list[str]:
    return await drop_lab_databases(await find_server(print))
