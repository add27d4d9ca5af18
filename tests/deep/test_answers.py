"""Every answer of the bank comes out as its name says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.exercises import keeping
from labsupport.exercises.spine import all_tasks
from tests.exercises.bank import answers_of, try_out
from tests.homes import temporary_home

ALL = [path for task in all_tasks() for path in answers_of(task.id)]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One LAB_HOME for all answers."""
    with temporary_home() as folder:
        yield folder


@pytest.mark.parametrize("path", ALL, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_an_answer_comes_out_as_its_name_says(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    monkeypatch.setattr(keeping, "work_folder", lambda: tmp_path / "my_work")
    await try_out(path)
