"""Real servers for the tests of the pooling room: PostgreSQL 16 and 18."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from labsupport.postgres import Server, ensure_embedded, ensure_kernel_database
from tests.homes import temporary_home

MAJORS = ("16", "18")


@pytest.fixture(scope="package")
def pooling_home() -> Iterator[Path]:
    """One LAB_HOME for the tests of this folder."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="package", params=MAJORS, ids=[f"PostgreSQL {major}" for major in MAJORS])
def each_server(pooling_home: Path, request: pytest.FixtureRequest) -> Server:
    """The embedded server, in turn each major version."""
    return ensure_embedded(settings={"LAB_PG_VERSION": request.param})


@pytest.fixture(scope="package")
def server(pooling_home: Path) -> Server:
    """The embedded server of the newest major version."""
    return ensure_embedded(settings={"LAB_PG_VERSION": MAJORS[-1]})


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
