"""The prepared clone and the home of the tests of the commands, and a notebook on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bad_input.notebook import Notebook
from tests.commands.conftest import clone, home

__all__ = ["clone", "home", "notebook"]


@pytest.fixture(scope="module")
def notebook(clone: Path, home: Path) -> Iterator[Notebook]:
    """A notebook of the clone, with its kernel running."""
    with Notebook(clone) as opened:
        yield opened
