"""Each mutation makes every test and notebook red that is named for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deep.mutating import Mutation, apply, copy_clone, run_targets, unnoticed
from tests.deep.mutations import MUTATIONS
from tests.homes import temporary_home

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    """The server that notebooks of all copies use."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def green(
    home: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Everything that has to go red later is green in a copy that nobody touched."""
    chosen = [
        item.callspec.params["mutation"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "mutation" in getattr(item, "fixturenames", ())
    ]
    tests = list(dict.fromkeys(name for mutation in chosen for name in mutation.tests))
    notebooks = list(dict.fromkeys(name for mutation in chosen for name in mutation.notebooks))
    clone = copy_clone(tmp_path_factory.mktemp("green") / "clone")
    outcomes = run_targets(clone, tests, notebooks)
    assert [outcome for outcome in outcomes if outcome.error] == []
    assert len(outcomes) >= len(tests) + len(notebooks)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_is_noticed(green: None, mutation: Mutation, tmp_path: Path) -> None:
    clone = copy_clone(tmp_path / "clone")
    apply(mutation, clone)
    outcomes = run_targets(clone, mutation.tests, mutation.notebooks)
    assert unnoticed([*mutation.tests, *mutation.notebooks], outcomes) == []
