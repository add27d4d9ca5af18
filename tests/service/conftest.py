"""One server and one running shop for all tests that break neither."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest

from labsupport.postgres import OwnServer, own_server
from labsupport.service import Service, run_service
from tests.held import held
from tests.homes import temporary_home


@pytest.fixture(scope="package")
def runner() -> Iterator[asyncio.Runner]:
    """An event loop for what lives longer than a test, in a home of its own."""
    with temporary_home(), asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="package")
def own(runner: asyncio.Runner) -> Iterator[OwnServer]:
    """A throwaway server, which each test leaves running."""
    with held(own_server(max_connections=60), runner) as made:
        yield made


@pytest.fixture(scope="package")
def running(runner: asyncio.Runner, own: OwnServer) -> Iterator[Service]:
    """A shop with a pool of 2 and a limit of 0.5 s for waiting."""
    limits = {"DB_POOL_MAX_SIZE": 2, "DB_ACQUIRE_TIMEOUT": 0.5}
    with held(run_service(own.server, **limits), runner) as made:
        yield made


@pytest.fixture
async def service(running: Service) -> AsyncIterator[Service]:
    """The same shop with a client in this test's event loop."""
    async with httpx.AsyncClient(base_url=running.address, timeout=30, trust_env=False) as client:
        yield replace(running, client=client)
