"""Homes and servers for the tests of the postgres room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labsupport.postgres import OwnServer, Server, ensure_embedded, own_server
from tests.held import held
from tests.homes import temporary_home


@pytest.fixture
def home() -> Iterator[Path]:
    """A fresh LAB_HOME for one test."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="package")
def shared_home() -> Iterator[Path]:
    """One LAB_HOME for the tests of this folder that break nothing."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture
def server(shared_home: Path) -> Server:
    """The embedded server of `shared_home`, running."""
    return ensure_embedded(settings={})


@pytest.fixture(scope="module")
def own(shared_home: Path) -> Iterator[OwnServer]:
    """A throwaway server for the tests of a module, each of which leaves it running."""
    with held(own_server(max_connections=100)) as made:
        yield made
