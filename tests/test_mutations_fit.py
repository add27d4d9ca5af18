"""The mutations of `test --deep` still fit the code, so that a change that outdates one is seen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.deep.mutating import ROOT, Mutation, changed_source
from tests.deep.mutations import MUTATIONS
from tests.deep.mutations_pooling import POOLING


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_its_text_stands_there_and_its_tests_exist(mutation: Mutation) -> None:
    compile(changed_source(mutation, ROOT), mutation.file, "exec")
    assert mutation.tests or mutation.notebooks
    for target in mutation.tests:
        file, name = target.split("::")
        source = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), target
    for notebook in mutation.notebooks:
        assert (ROOT / notebook).is_file(), notebook


def test_every_mutation_has_a_name_of_its_own() -> None:
    names = [mutation.name for mutation in MUTATIONS]
    assert len(set(names)) == len(names)
    assert all(Path(ROOT / mutation.file).is_file() for mutation in MUTATIONS)


def test_the_lessons_notice_a_dozen_ways_to_break_the_pool_classes() -> None:
    noticed = [mutation for mutation in POOLING if mutation.notebooks]
    assert len(noticed) >= 12
    assert len({(mutation.file, mutation.old) for mutation in noticed}) == len(noticed)
    assert len({notebook for mutation in noticed for notebook in mutation.notebooks}) >= 6
