"""The mutations of `test --deep` still fit the code, so that a change that outdates one is seen."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from tests.deep.cutting import cut, split_cell
from tests.deep.mutating import ROOT, Mutation, changed_source
from tests.deep.mutations import MUTATIONS
from tests.deep.mutations_pooling import POOLING


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_its_text_stands_there_and_what_has_to_go_red_exists(mutation: Mutation) -> None:
    changed_source(mutation, ROOT)
    assert mutation.tests
    for target in mutation.tests:
        file, name = target.split("[")[0].split("::")
        source = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), target
    for target in mutation.cells:
        path, cell = split_cell(target)
        lesson = nbformat.read(str(ROOT / path), as_version=4)
        assert cut(lesson, cell).cells[-2].id == cell


def test_every_mutation_has_a_name_of_its_own() -> None:
    names = [mutation.name for mutation in MUTATIONS]
    assert len(set(names)) == len(names)
    assert all(Path(ROOT / mutation.file).is_file() for mutation in MUTATIONS)


def test_the_lessons_notice_a_dozen_ways_to_break_the_pool_classes() -> None:
    noticed = [mutation for mutation in POOLING if mutation.cells]
    assert len(noticed) >= 12
    assert len({(mutation.file, mutation.old) for mutation in noticed}) == len(noticed)
    assert len({split_cell(cell)[0] for mutation in noticed for cell in mutation.cells}) >= 6
