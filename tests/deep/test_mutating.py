"""The runner of mutations tells what was noticed from what was not, and from what is no program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.deep.cutting import run_up_to
from tests.deep.mutating import (
    Mutation,
    broken,
    changed_source,
    copy_clone,
    fingerprint,
    run_tests,
    unnoticed,
)

TEST = "tests/measuring/test_results.py::test_a_percentile_needs_ten_samples_beyond_it"
REAL = Mutation(
    name="real",
    file="labsupport/measuring/arithmetic.py",
    old="BEYOND = 10",
    new="BEYOND = 9",
    tests=(TEST,),
)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One copy for all tests of this module, as mutations share one."""
    return copy_clone(tmp_path_factory.mktemp("copy") / "clone")


@pytest.mark.parametrize(
    ("new", "is_noticed"),
    [
        ("BEYOND = 9", True),
        ("BEYOND = 5 + 5", False),
        ("BEYOND = not_a_name", False),
        ("import not_a_module\nBEYOND = 10", False),
    ],
    ids=["a wrong number", "the same number", "an unknown name", "an unknown module"],
)
def test_only_a_failed_test_is_red(clone: Path, new: str, is_noticed: bool) -> None:
    with broken(replace(REAL, new=new), clone):
        try:
            outcomes = run_tests(clone, REAL.tests)
        except AssertionError:  # Pytest could not even collect the test.
            outcomes = []
    assert unnoticed(REAL.tests, outcomes) == ([] if is_noticed else [TEST])


IMPORTS = """
from labsupport.lessons import LessonFailed, verify
from labsupport.lessons.claims import failed
"""
SUM_UP = """
if failed():
    raise LessonFailed(" ".join(claim.text for claim in failed()))
"""
WRONG = "verify('One is two.', 1, 2)"


@pytest.mark.parametrize(
    ("before", "source", "after", "because"),
    [
        ("", "1 / 0", "", ""),
        ("", WRONG, "", ""),
        ("", "verify('One is one.', 1, 1)", WRONG, "no cell failed"),
        (WRONG, "verify('One is one.', 1, 1)", "", "Cell 3 failed, which is not what was named"),
        ("1 / 0", WRONG, "", "Cell 1 failed, which is not what was named"),
        ("", "not_a_name", "", "Cell 2 failed, which is not what was named"),
    ],
    ids=[
        "an exception",
        "a claim",
        "a claim after it",
        "a claim before it",
        "an exception before it",
        "an unknown name",
    ],
)
def test_only_the_named_cell_is_red(
    clone: Path, before: str, source: str, after: str, because: str
) -> None:
    sources = [IMPORTS + before, source, after, SUM_UP]
    lesson = new_notebook(cells=[new_code_cell(text) for text in sources])
    nbformat.write(lesson, str(clone / "one.ipynb"))
    reason = run_up_to(clone, f"one.ipynb::{lesson.cells[1].id}")
    assert because in reason
    assert bool(because) == bool(reason)


def test_a_mutation_is_taken_back_and_what_is_left_besides_is_seen(clone: Path) -> None:
    before = fingerprint(clone)
    with broken(REAL, clone):
        assert fingerprint(clone) != before
    assert fingerprint(clone) == before
    with pytest.raises(AssertionError, match="not what it was"), broken(REAL, clone):
        (clone / "data" / "left").write_text("", encoding="utf-8")
    (clone / "data" / "left").unlink()
    assert fingerprint(clone) == before


@pytest.mark.parametrize("old", ["BEYOND = 11", "return"], ids=["never", "many times"])
def test_a_text_that_does_not_stand_there_once_is_refused(clone: Path, old: str) -> None:
    with pytest.raises(ValueError, match="does not fit any more"):
        changed_source(replace(REAL, old=old), clone)


def test_a_change_that_is_no_python_is_refused(clone: Path) -> None:
    with pytest.raises(SyntaxError):
        changed_source(replace(REAL, new="BEYOND ="), clone)


def test_a_name_that_no_test_has_is_refused(clone: Path) -> None:
    with pytest.raises(AssertionError, match="not found"):
        run_tests(clone, [f"{TEST}_and_more"])


def test_another_labsupport_than_the_copy_is_refused(tmp_path: Path) -> None:
    clone = copy_clone(tmp_path / "clone")
    (clone / "labsupport").rename(clone / "elsewhere")
    with pytest.raises(AssertionError, match="labsupport was imported from|No module named"):
        run_tests(clone, [TEST])
