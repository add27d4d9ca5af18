"""A server and a work folder for the tests of exercises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.exercises import keeping
from tests.homes import temporary_home


@pytest.fixture(scope="package")
def exercise_home() -> Iterator[Path]:
    """One LAB_HOME for the tests of this folder; nothing is left in it that runs."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A work folder that is no learner's."""
    folder = tmp_path / "my_work"
    monkeypatch.setattr(keeping, "work_folder", lambda: folder)
    return folder
