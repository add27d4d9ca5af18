"""Deliberately broken notebooks, run by nbval under the guard: a sample of the kinds.

All kinds go through it in tests/deep.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tests.guarded import BROKEN, GOOD, Run, cells_of, run_pytest, write_notebooks
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
