"""The runner of mutations tells what was noticed from what was not, and from what is no program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.deep.mutating import Mutation, apply, copy_clone, run_targets, unnoticed

TEST = "tests/measuring/test_results.py::test_a_percentile_needs_ten_samples_beyond_it"
REAL = Mutation(
    name="real",
    file="labsupport/measuring/arithmetic.py",
    old="BEYOND = 10",
    new="BEYOND = 9",
    tests=(TEST,),
)


@pytest.mark.parametrize(
    ("new", "noticed"),
    [
        ("BEYOND = 9", True),
        ("BEYOND = 5 + 5", False),
        ("BEYOND = not_a_name", False),
        ("import not_a_module\nBEYOND = 10", False),
    ],
    ids=["a wrong number", "the same number", "an unknown name", "an unknown module"],
)
def test_only_a_failed_test_is_red(tmp_path: Path, new: str, noticed: bool) -> None:
    clone = copy_clone(tmp_path / "clone")
    apply(replace(REAL, new=new), clone)
    try:
        outcomes = run_targets(clone, REAL.tests)
    except AssertionError:  # Pytest could not even collect the test.
        outcomes = []
    assert unnoticed(REAL.tests, outcomes) == ([] if noticed else [TEST])


@pytest.mark.parametrize(
    ("source", "noticed"),
    [
        ("1 / 0", True),
        ("raise LessonFailed('1 of 1 claims did not hold.')", True),
        ("1 + 1", False),
        ("not_a_name", False),
        ("import not_a_module", False),
    ],
    ids=["an exception", "a claim", "no exception", "an unknown name", "an unknown module"],
)
def test_only_a_failed_cell_is_red(tmp_path: Path, source: str, noticed: bool) -> None:
    clone = copy_clone(tmp_path / "clone")
    needed = "from labsupport.lessons import LessonFailed"
    cells = [new_code_cell(text) for text in (needed, source)]
    nbformat.write(new_notebook(cells=cells), str(clone / "one.ipynb"))
    outcomes = run_targets(clone, [], ["one.ipynb"])
    assert len(outcomes) == 2
    assert unnoticed(["one.ipynb"], outcomes) == ([] if noticed else ["one.ipynb"])


@pytest.mark.parametrize("old", ["BEYOND = 11", "return"], ids=["never", "many times"])
def test_a_text_that_does_not_stand_there_once_is_refused(tmp_path: Path, old: str) -> None:
    clone = copy_clone(tmp_path / "clone")
    with pytest.raises(ValueError, match="does not fit any more"):
        apply(replace(REAL, old=old), clone)


def test_a_change_that_is_no_python_is_refused(tmp_path: Path) -> None:
    clone = copy_clone(tmp_path / "clone")
    with pytest.raises(SyntaxError):
        apply(replace(REAL, new="BEYOND ="), clone)


def test_a_name_that_no_test_has_is_refused(tmp_path: Path) -> None:
    clone = copy_clone(tmp_path / "clone")
    with pytest.raises(AssertionError, match="not found"):
        run_targets(clone, [f"{TEST}_and_more"])


def test_another_labsupport_than_the_copy_is_refused(tmp_path: Path) -> None:
    clone = copy_clone(tmp_path / "clone")
    (clone / "labsupport").rename(clone / "elsewhere")
    with pytest.raises(AssertionError, match="labsupport was imported from|No module named"):
        run_targets(clone, [TEST])
