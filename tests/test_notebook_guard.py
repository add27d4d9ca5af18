"""Deliberately broken notebooks, run by nbval under the guard: a sample of the kinds.

All kinds go through it in tests/deep.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from labsupport.commands import run_tests
from tests.guarded import BROKEN, GOOD, ROOT, Run, cells_of, run_pytest, write_notebooks
from tests.notebook_guard import CELL_LIMIT

SAMPLE = ("unknown_magic", "first_of_many", "dies", "task_dropped", "promise_not_kept")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The good notebooks and some broken ones, in one run."""
    folder = tmp_path_factory.mktemp("notebooks")
    write_notebooks(folder, {**GOOD, **cells_of(SAMPLE)})
    return run_pytest(folder)


@pytest.mark.parametrize("name", GOOD)
def test_good_notebooks_are_green(run: Run, name: str) -> None:
    assert run.outcomes(name) == ["passed"] * len(GOOD[name]), run.text


@pytest.mark.parametrize("name", SAMPLE)
def test_a_broken_notebook_fails_once_and_stops_there_with_its_reason(run: Run, name: str) -> None:
    run.check_failed_once(name, BROKEN[name])


def test_a_broken_notebook_makes_the_run_fail(run: Run) -> None:
    assert run.code == 1


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


TELL_LIMIT = """
def pytest_sessionfinish(session):
    print("The limit of a cell is", session.config.option.nbval_cell_timeout)
"""


def test_the_command_test_runs_notebooks_under_the_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The guard is proved above when it is switched on; the command has to switch it on."""
    for name in ("conftest.py", "pyproject.toml", "tests/__init__.py", "tests/notebook_guard.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    write_notebooks(tmp_path / "notebooks", cells_of(["unknown_magic"]))
    (tmp_path / "tell_limit.py").write_text(TELL_LIMIT, encoding="utf-8")
    monkeypatch.setattr(run_tests, "project_root", lambda: tmp_path)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_PLUGINS", "tell_limit")
    (notebooks,) = (part for part in run_tests.PARTS if part.name == "notebooks")
    assert run_tests.run_part(notebooks) == 1
    said = capfd.readouterr().out
    assert "unknown_magic.ipynb: cell 2 failed" in said
    assert BROKEN["unknown_magic"].says in said
    assert f"The limit of a cell is {CELL_LIMIT}" in said
