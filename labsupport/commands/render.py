"""The verb `render`: every lesson, executed, as HTML to read without running anything."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib.metadata
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path

from labsupport.commands.executing import execute
from labsupport.commands.leaving import server_left_as_found
from labsupport.commands.pages import front_page, lesson_page, summarise
from labsupport.errors import LabError
from labsupport.places import project_root
from labsupport.postgres import ServerFacts, find_server, inspect_server

__all__ = ["render", "run"]


def run(options: argparse.Namespace) -> int:
    """Render the notebooks of the clone; returns 1 when a lesson did not come to its end."""
    output = project_root() / options.output
    with server_left_as_found():
        conditions = _conditions(asyncio.run(_inspect()))
        complete = render(project_root() / "notebooks", output, conditions)
    print(f"The front page is {output / 'index.html'}")
    return 0 if complete else 1


def render(folder: Path, output: Path, conditions: Mapping[str, str]) -> bool:
    """Execute the notebooks in `folder` and write their pages and a front page into `output`.

    Returns whether each came to its end with every claim held; a page is written either way.
    `conditions` is shown. Raises `LabError` when there is no notebook or no place to write.
    """
    notebooks = sorted(folder.glob("*.ipynb"))
    if not notebooks:
        raise LabError(f"There is no notebook in {folder}. Fetch the clone again.")
    names = [notebook.stem for notebook in notebooks]
    executed = ", ".join(conditions.values())
    summaries = []
    for number, notebook in enumerate(notebooks, start=1):
        print(f"[{number}/{len(notebooks)}] {notebook.stem} ... ", end="", flush=True)
        start = time.monotonic()
        lesson = execute(notebook)
        seconds = time.monotonic() - start
        print(f"{'NOT COMPLETE' if lesson.problem else 'complete'} after {seconds:.0f} s")
        if lesson.problem:
            print(f"      {lesson.problem}")
        summaries.append(summarise(lesson))
        _write(output / f"{lesson.name}.html", lesson_page(lesson, executed, folder, names))
    _write(output / "index.html", front_page(summaries, conditions))
    return not any(summary.problem for summary in summaries)


async def _inspect() -> ServerFacts:
    return await inspect_server(await find_server(report=print))


def _conditions(facts: ServerFacts) -> dict[str, str]:
    now = datetime.datetime.now(datetime.UTC)
    return {
        "When": f"{now:%Y-%m-%d %H:%M} UTC",
        "Server": f"PostgreSQL {facts.version}",
        "Library": f"asyncpg {importlib.metadata.version('asyncpg')}",
        "Language": f"Python {platform.python_version()}",
        "Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
    }


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise LabError(
            f"{path} cannot be written ({error.strerror}). Choose another folder with --output."
        ) from error
