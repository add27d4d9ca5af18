"""Each mutation makes every test and every cell of a lesson red that is named for it.

Several processes may share this work; each has one copy of the clone for all its mutations.
That whole lessons are green as they are is shown by `test`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deep.cutting import run_up_to
from tests.deep.mutating import Mutation, broken, copy_clone, run_tests, unnoticed
from tests.deep.mutations import MUTATIONS
from tests.homes import temporary_home


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The copy, and the server that the lessons in it use."""
    with temporary_home():
        yield copy_clone(tmp_path_factory.mktemp("copy") / "clone")


def test_without_a_mutation_all_tests_are_green(clone: Path) -> None:
    tests = list(dict.fromkeys(test for mutation in MUTATIONS for test in mutation.tests))
    outcomes = run_tests(clone, tests)
    assert [outcome for outcome in outcomes if outcome.error] == []
    assert len(outcomes) >= len(tests)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_is_noticed(clone: Path, mutation: Mutation) -> None:
    with broken(mutation, clone):
        # One test that is red is enough, unless there are more that have to be.
        first = ["-x"] if len(mutation.tests) == 1 else []
        outcomes = run_tests(clone, [*first, *mutation.tests])
        not_red = {cell: run_up_to(clone, cell) for cell in mutation.cells}
    assert unnoticed(mutation.tests, outcomes) == []
    assert {cell: reason for cell, reason in not_red.items() if reason} == {}
