"""Notebooks that are broken on purpose, and a run of nbval on them under the guard."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

__all__ = [
    "BROKEN",
    "GOOD",
    "ROOT",
    "TOO_SLOW",
    "Broken",
    "Cell",
    "Run",
    "cells_of",
    "run_pytest",
    "write_notebooks",
]

ROOT = Path(__file__).resolve().parent.parent
"""The clone."""

RUN_LIMIT = 300.0
"""Seconds after which a pytest run of notebooks is given up."""

FAILING_TASK = "import asyncio\n\nasync def fail():\n    raise ValueError('unseen')\n\n"

GOOD = {
    "good": ["x = 1", "import asyncio\nawait asyncio.sleep(0)\nassert x == 1"],
    "promised_error": ["# NBVAL_RAISES_EXCEPTION\n1 / 0", "x = 2"],
    "caught_in_background": [f"{FAILING_TASK}task = asyncio.create_task(fail())",
                             "await asyncio.wait([task])\nprint(task.exception())"],
}  # fmt: skip
"""Notebooks by name; each is a list of code cells."""


@dataclass(frozen=True)
class Broken:
    """Code cells, the number of the one that has to fail, and what its report has to say."""

    cells: list[str]
    number: int
    says: str


BROKEN = {
    "unknown_magic": Broken(
        ["x = 1", "%nosuchmagic\nx = 2", "x = 3"],
        2,
        "UsageError: Line magic function `%nosuchmagic` not found",
    ),
    "unknown_cell_magic": Broken(
        ["%%nosuchmagic\nx = 2"], 1, "UsageError: Cell magic `%%nosuchmagic` not found"
    ),
    "magic_that_fails": Broken(["%run no_such_file.py"], 1, "no_such_file.py"),
    "first_of_many": Broken(
        ["x = 1", "raise ValueError('the first')", "print(y)", "print(z)"], 2, "the first"
    ),
    "dies": Broken(["x = 1", "import os\nos._exit(1)", "x = 2"], 2, "the kernel died in cell 2"),
    "dies_at_the_end": Broken(
        ["import os, threading\nthreading.Timer(0, os._exit, (1,)).start()"],
        1,
        "the kernel died in cell 1",
    ),
    "task_dropped": Broken(
        [f"{FAILING_TASK}asyncio.create_task(fail());", "x = 2"],
        2,
        "background work failed and nobody awaited it",
    ),
    "task_kept": Broken(
        [f"{FAILING_TASK}task = asyncio.create_task(fail())", "x = 2"],
        2,
        "background work failed and nobody awaited it",
    ),
    "task_unended": Broken(
        [
            "import asyncio\nasync def hang():\n    await asyncio.Future()\n"
            "asyncio.create_task(hang());"
        ],
        1,
        "a background task was dropped before it ended",
    ),
    "await_forgotten": Broken(
        ["import asyncio\npause = asyncio.sleep(0)", "x = 2"], 2, "an `await` is missing"
    ),
    "thread_fails": Broken(
        ["import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()"],
        1,
        "a thread failed",
    ),
    "callback_fails": Broken(
        ["import asyncio\nasyncio.get_running_loop().call_soon(lambda: 1 / 0);"],
        1,
        "a callback of the event loop failed",
    ),
    "promise_not_kept": Broken(
        ["# NBVAL_RAISES_EXCEPTION\nx = 1"], 1, "marked to raise an exception and raised none"
    ),
    "system_exit": Broken(["import sys\nsys.exit(1)"], 1, "SystemExit"),
}

TOO_SLOW = {
    "swallows_its_limit": [
        "import time\ntry:\n    time.sleep(40)\nexcept KeyboardInterrupt:\n    pass",
        "x = 2",
    ],
    "promises_any_error": ["# NBVAL_RAISES_EXCEPTION\nimport time\ntime.sleep(40)", "x = 2"],
    "awaits_for_ever": ["import asyncio\nawait asyncio.Future()", "x = 2"],
}


def cells_of(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the cells of broken notebooks."""
    return {name: BROKEN[name].cells for name in names}


@dataclass(frozen=True)
class Cell:
    """What a CI job reads about one cell: `outcome` is passed, failure, error or skipped."""

    outcome: str
    message: str
    seconds: float


@dataclass(frozen=True)
class Run:
    """One pytest run: its exit code, its text and its cells by notebook and cell name."""

    code: int
    text: str
    cells: dict[tuple[str, str], Cell]

    def outcomes(self, notebook: str) -> list[str]:
        """The outcome of each cell of `notebook`, in order."""
        return [cell.outcome for (name, _), cell in self.cells.items() if name == notebook]

    def message(self, notebook: str, number: int) -> str:
        """What the report says about the cell with this number."""
        return self.cells[notebook, f"Cell {number}"].message

    def check_failed_once(self, notebook: str, broken: Broken) -> None:
        """Assert that the right cell failed for its reason, and that none after it was run."""
        outcomes = self.outcomes(notebook)
        before, after = broken.number - 1, len(broken.cells) - broken.number
        assert outcomes == ["passed"] * before + ["failure"] + ["skipped"] * after, self.text
        assert broken.says in self.message(notebook, broken.number)


def write_notebooks(folder: Path, notebooks: dict[str, list[str]]) -> None:
    """Write each notebook into `folder` as `name.ipynb`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, sources in notebooks.items():
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        nbformat.write(notebook, str(folder / f"{name}.ipynb"))


def run_pytest(folder: Path, *arguments: str, paths: Sequence[str] = (".",)) -> Run:
    """Run nbval under the guard on `paths` below `folder`, in a process of its own."""
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "tests.notebook_guard"]
    command += ["--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider", "--color=no"]
    command += ["-p", "no:xdist", "-p", "no:hypothesispytest"]  # They take a second to load.
    command += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(folder), "-rs"]
    command += [f"--junit-xml={report}", *arguments, *paths]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8",
        timeout=RUN_LIMIT,
    )  # fmt: skip
    return Run(done.returncode, done.stdout + done.stderr, read_report(report))


def read_report(report: Path) -> dict[tuple[str, str], Cell]:
    """The cells of a JUnit report, in the order in which they ran; none without a report."""
    cells: dict[tuple[str, str], Cell] = {}
    if not report.exists():
        return cells
    for case in ElementTree.parse(report).iter("testcase"):
        path = case.get("classname", "").split(".")
        if len(path) < 2:  # A collector that failed stands in the report too.
            continue
        marks = [child for child in case if child.tag in ("failure", "error", "skipped")]
        text = "\n".join(f"{mark.get('message')}\n{mark.text}" for mark in marks)
        outcome = marks[0].tag if marks else "passed"
        cell = Cell(outcome, text, float(case.get("time", "0")))
        cells[path[-2], case.get("name", "")] = cell
    return cells
