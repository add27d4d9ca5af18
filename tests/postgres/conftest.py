"""Homes and servers for the tests of the postgres room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.postgres import Server, ensure_embedded
from tests.homes import temporary_home


@pytest.fixture
def home() -> Iterator[Path]:
    """A fresh LAB_HOME for one test."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """One LAB_HOME for the tests of a module that break nothing."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture
def server(shared_home: Path) -> Server:
    """The embedded server of `shared_home`, running."""
    return ensure_embedded(settings={})
