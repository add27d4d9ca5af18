"""Real servers for the tests of the pooling room.

By default they are embedded: the newest PostgreSQL for all tests, and the oldest besides for those
that ask a server what its errors mean. `LAB_TEST_SERVER` changes that: a major version such as 16
has all tests run on the embedded server of that version, and `named` on the server that `DB_*`
name, which has to be a throwaway one: its sessions are ended and a password is changed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from labsupport.postgres import (
    OwnServer,
    Server,
    chosen_server,
    ensure_embedded,
    ensure_kernel_database,
    own_server,
)
from tests.homes import temporary_home

MAJORS = ("16", "18")
CHOSEN = os.environ.get("LAB_TEST_SERVER", "")
DB_SETTINGS = {name: value for name, value in os.environ.items() if name.startswith("DB_")}
"""Read at once, because a temporary home hides them from the tests."""


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of tests that reach for the server's processes."""
    text = "same_machine: freezes or looks at a process of the server, so that has to run here"
    config.addinivalue_line("markers", text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, on a named server, what would reach for processes: they are not of this machine.

    Their numbers could be those of other programs here.
    """
    if CHOSEN == "named":
        there = [item for item in items if item.get_closest_marker("same_machine")]
        config.hook.pytest_deselected(items=there)
        items[:] = [item for item in items if item not in there]


@pytest.fixture(scope="package")
def pooling_home() -> Iterator[Path]:
    """One LAB_HOME for the tests of this folder."""
    with temporary_home() as folder:
        yield folder


def chosen(name: str) -> Server:
    """The server that DB_* name, or the embedded one of a major version."""
    if name != "named":
        return ensure_embedded(settings={"LAB_PG_VERSION": name})
    server = chosen_server(DB_SETTINGS)
    assert server is not None, "LAB_TEST_SERVER is named, and DB_HOST is not set"
    return server


@pytest.fixture(
    scope="package", params=[CHOSEN] if CHOSEN else MAJORS, ids=lambda name: f"on {name}"
)
def each_server(pooling_home: Path, request: pytest.FixtureRequest) -> Server:
    """Each major version in turn, or the chosen server."""
    return chosen(request.param)


@pytest.fixture(scope="package")
def server(pooling_home: Path) -> Server:
    """The newest major version, or the chosen server."""
    return chosen(CHOSEN or MAJORS[-1])


@pytest.fixture(scope="package")
def own(pooling_home: Path) -> Iterator[OwnServer]:
    """A server of 20 connections, whose roles may be changed and which may be filled."""
    with asyncio.Runner() as runner:
        manager = own_server(max_connections=20)
        yield runner.run(manager.__aenter__())
        runner.run(manager.__aexit__(None, None, None))


@pytest.fixture
def where(server: Server) -> dict[str, Any]:
    """Where to connect to and as whom: keyword arguments for `DatabasePool.initialize`."""
    return address_of(server)


@pytest.fixture(scope="package")
def sample_data(server: Server) -> str:
    """The name of a database with the lab's tables."""
    return asyncio.run(ensure_kernel_database(server))


@pytest.fixture
async def onlooker(server: Server) -> AsyncIterator[Any]:
    """A connection beside the pools, which sees and ends their sessions."""
    connection = await asyncpg.connect(**server.arguments(application_name="onlooker"))
    yield connection
    await connection.close(timeout=10)


def address_of(server: Server) -> dict[str, Any]:
    """Where to connect to and as whom."""
    return {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "database": server.database,
    }
