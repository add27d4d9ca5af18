"""Deliberately broken notebooks, run by nbval under the guard: each kind has to go red."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests.notebook_guard import CELL_LIMIT

ROOT = Path(__file__).resolve().parent.parent
RUN_LIMIT = 110.0
"""Seconds after which a pytest run of this file is given up."""

FAILING_TASK = "import asyncio\n\nasync def fail():\n    raise ValueError('unseen')\n\n"

GOOD = {
    "good": ["x = 1", "import asyncio\nawait asyncio.sleep(0)\nassert x == 1"],
    "promised_error": ["# NBVAL_RAISES_EXCEPTION\n1 / 0", "x = 2"],
    "caught_in_background": [f"{FAILING_TASK}task = asyncio.create_task(fail())",
                             "await asyncio.wait([task])\nprint(task.exception())"],
}  # fmt: skip

BROKEN = {
    "unknown_magic": ["x = 1", "%nosuchmagic\nx = 2", "x = 3"],
    "unknown_cell_magic": ["%%nosuchmagic\nx = 2"],
    "magic_that_fails": ["%run no_such_file.py"],
    "first_of_many": ["x = 1", "raise ValueError('the first')", "print(y)", "print(z)"],
    "dies": ["x = 1", "import os\nos._exit(1)", "x = 2"],
    "dies_at_the_end": ["import os, threading\nthreading.Timer(0, os._exit, (1,)).start()"],
    "task_dropped": [f"{FAILING_TASK}asyncio.create_task(fail());", "x = 2"],
    "task_kept": [f"{FAILING_TASK}task = asyncio.create_task(fail())", "x = 2"],
    "task_unended": ["import asyncio\nasync def hang():\n    await asyncio.Future()\n"
                     "asyncio.create_task(hang());"],
    "await_forgotten": ["import asyncio\npause = asyncio.sleep(0)", "x = 2"],
    "thread_fails": ["import threading\nt = threading.Thread(target=lambda: 1 / 0)\n"
                     "t.start()\nt.join()"],
    "callback_fails": ["import asyncio\nasyncio.get_running_loop().call_soon(lambda: 1 / 0);"],
    "promise_not_kept": ["# NBVAL_RAISES_EXCEPTION\nx = 1"],
    "system_exit": ["import sys\nsys.exit(1)"],
}  # fmt: skip
"""Notebooks by name; each is a list of code cells."""

TOO_SLOW = {
    "swallows_its_limit": ["import time\ntry:\n    time.sleep(40)\nexcept KeyboardInterrupt:\n"
                           "    pass", "x = 2"],
    "promises_any_error": ["# NBVAL_RAISES_EXCEPTION\nimport time\ntime.sleep(40)", "x = 2"],
    "awaits_for_ever": ["import asyncio\nawait asyncio.Future()", "x = 2"],
}  # fmt: skip


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


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The good notebooks and the broken ones that fail quickly, in one run."""
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebooks(folder, {**GOOD, **BROKEN})
    return run_pytest(folder)


@pytest.fixture(scope="session")
def slow_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The notebooks that exceed their limit, run with a short one."""
    folder = tmp_path_factory.mktemp("slow_notebooks")
    write_notebooks(folder, TOO_SLOW)
    return run_pytest(folder, "--nbval-cell-timeout=1")


@pytest.mark.parametrize("name", GOOD)
def test_good_notebooks_are_green(run: Run, name: str) -> None:
    assert run.outcomes(name) == ["passed"] * len(GOOD[name]), run.text


def test_a_run_of_good_notebooks_alone_ends_with_zero(tmp_path: Path) -> None:
    write_notebooks(tmp_path, {"good": GOOD["good"]})
    assert run_pytest(tmp_path).code == 0


@pytest.mark.parametrize("name", BROKEN)
def test_broken_notebooks_fail_exactly_once_and_stop_there(run: Run, name: str) -> None:
    outcomes = run.outcomes(name)
    failure = outcomes.index("failure")
    assert len(outcomes) == len(BROKEN[name])
    assert set(outcomes[:failure]) <= {"passed"}
    assert set(outcomes[failure + 1 :]) <= {"skipped"}


def test_a_broken_notebook_makes_the_run_fail(run: Run) -> None:
    assert run.code == 1


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("unknown_magic", 2, "UsageError: Line magic function `%nosuchmagic` not found"),
        ("unknown_cell_magic", 1, "UsageError: Cell magic `%%nosuchmagic` not found"),
        ("magic_that_fails", 1, "no_such_file.py"),
        ("first_of_many", 2, "the first"),
        ("dies", 2, "the kernel died in cell 2"),
        ("dies_at_the_end", 1, "the kernel died in cell 1"),
        ("task_dropped", 2, "background work failed and nobody awaited it"),
        ("task_kept", 2, "background work failed and nobody awaited it"),
        ("task_unended", 1, "a background task was dropped before it ended"),
        ("await_forgotten", 2, "an `await` is missing"),
        ("thread_fails", 1, "a thread failed"),
        ("callback_fails", 1, "a callback of the event loop failed"),
        ("promise_not_kept", 1, "marked to raise an exception and raised none"),
        ("system_exit", 1, "SystemExit"),
    ],
)
def test_the_report_names_the_reason(run: Run, name: str, number: int, expected: str) -> None:
    assert expected in run.message(name, number)


def test_cells_after_the_first_failure_name_that_cell(run: Run) -> None:
    assert run.outcomes("first_of_many") == ["passed", "failure", "skipped", "skipped"]
    assert "not run, because cell 2 failed" in run.message("first_of_many", 4)
    assert "NameError" not in run.text


def test_a_notebook_that_stopped_is_reported_once(run: Run) -> None:
    line = "first_of_many.ipynb: cell 2 failed; cells after it that were not run: 2."
    assert run.text.count(line) == 1
    assert run.text.count("first_of_many.ipynb: not run, because cell 2 failed") == 1


def test_a_dead_kernel_is_noticed_long_before_the_limit_of_the_cell(run: Run) -> None:
    assert run.cells["dies", "Cell 2"].seconds < CELL_LIMIT / 2


@pytest.mark.parametrize("name", TOO_SLOW)
def test_a_cell_that_exceeds_its_limit_fails_and_the_rest_is_not_run(
    slow_run: Run, name: str
) -> None:
    assert slow_run.code == 1
    assert slow_run.outcomes(name) == ["failure", "skipped"], slow_run.text


def test_a_swallowed_limit_is_named(slow_run: Run) -> None:
    message = slow_run.message("swallows_its_limit", 1)
    assert "the cell took longer than its limit of 1 s" in message


def test_a_notebook_without_code_is_an_error(tmp_path: Path) -> None:
    write_notebooks(tmp_path, {"good": GOOD["good"], "blank": ["", "\n"]})
    prose = new_notebook(cells=[new_markdown_cell("# Only words")])
    nbformat.write(prose, str(tmp_path / "prose.ipynb"))
    run = run_pytest(tmp_path)
    assert run.code == 2
    assert "prose.ipynb has no code cells, so nothing was tested." in run.text
    assert "blank.ipynb has no code cells, so nothing was tested." in run.text


def test_no_notebook_at_all_is_an_error_even_beside_other_tests(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("def test_other(): pass\n", encoding="utf-8")
    run = run_pytest(tmp_path)
    assert run.code == 4
    assert "No notebook was collected" in run.text


@pytest.mark.parametrize("seconds", ["2000", "0"])
def test_limits_that_are_none_are_refused(tmp_path: Path, seconds: str) -> None:
    write_notebooks(tmp_path, {"good": GOOD["good"]})
    run = run_pytest(tmp_path, f"--nbval-cell-timeout={seconds}")
    assert run.code == 4
    assert f"--nbval-cell-timeout is {seconds}; choose more than 0 and at most 60" in run.text


def test_the_limit_is_60_seconds_when_none_is_asked_for(tmp_path: Path) -> None:
    write_notebooks(tmp_path, {"good": GOOD["good"]})
    plugin = "def pytest_unconfigure(config):\n    print(config.option.nbval_cell_timeout)\n"
    (tmp_path / "conftest.py").write_text(plugin, encoding="utf-8")
    run = run_pytest(tmp_path, "--collect-only", "-q")
    assert run.code == 0
    assert "60.0" in run.text.splitlines()


@pytest.mark.parametrize(
    "change",
    ["items.reverse()", "items.sort(key=lambda cell: cell.cell_num)"],
    ids=["reversed", "notebooks mixed"],
)
def test_cells_out_of_order_are_refused(tmp_path: Path, change: str) -> None:
    write_notebooks(tmp_path, {"one": ["x = 1", "x = 2"], "two": ["x = 1", "x = 2"]})
    plugin = f"def pytest_collection_modifyitems(items):\n    {change}\n"
    (tmp_path / "conftest.py").write_text(plugin, encoding="utf-8")
    run = run_pytest(tmp_path)
    assert run.code == 4
    assert "are not in their order" in run.text
