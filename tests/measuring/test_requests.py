"""The ready-made requests on a real server, the parts they report, and a server that dies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from labsupport.measuring import (
    ClosedLoop,
    OpenLoop,
    Parts,
    Request,
    Result,
    compare,
    connect_each_time,
    hold_connections,
    measure,
    on_held,
    open_pool,
    quiet,
    sweep_over,
    through_pool,
)
from labsupport.postgres import OwnServer, ensure_embedded, own_server
from tests.homes import temporary_home

from .conftest import SHORT, sleeper


@pytest.fixture(scope="module")
def requests_home() -> Iterator[Path]:
    """One LAB_HOME for the tests of this file."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def where(requests_home: Path) -> dict[str, Any]:
    """Where to connect to and as whom: keyword arguments for `asyncpg.connect`."""
    server = ensure_embedded()
    arguments: dict[str, Any] = server.arguments(application_name="requests under test")
    return arguments


def share_of_parts(result: Result) -> float:
    return sum(int(part.sum()) for part in result.parts.values()) / int(result.latencies.sum())


async def test_each_request_reports_the_parts_it_has(where: dict[str, Any]) -> None:
    load = replace(SHORT, clients=3, seconds=2.0)
    async with open_pool(2, **where) as pool, hold_connections(3, **where) as held:
        requests = {
            "connect": connect_each_time("SELECT 1", **where),
            "pool": through_pool(pool, "SELECT 1"),
            "held": on_held(held, "SELECT 1"),
        }
        comparison = await compare(requests, load, progress=quiet())
    results = comparison.results
    assert {name: set(result.parts) for name, result in results.items()} == {
        "connect": {"connect", "use"},
        "pool": {"wait", "use"},
        "held": {"use"},
    }
    for result in results.values():
        assert result.errors == {}
        assert all(len(part) == len(result.latencies) for part in result.parts.values())
        # The parts are all there is of a request, but for the steps between two readings.
        assert 0.9 < share_of_parts(result) <= 1
    table = comparison.table()
    assert table.loc["connect", "connect ms"] > table.loc["connect", "use ms"]
    assert results["held"].evidence.wait_share == 0
    # Three clients share two connections, so that each waits for a third of its time.
    assert 0.1 < (results["pool"].evidence.wait_share or 0) < 0.6


async def test_without_a_reset_a_setting_is_left_to_the_next_borrower(
    where: dict[str, Any],
) -> None:
    for reset in (True, False):
        async with open_pool(1, reset=reset, **where) as pool:
            await through_pool(pool, "SET statement_timeout = '7s'")()
            async with pool.acquire(timeout=10) as connection:
                assert (await connection.fetchval("SHOW statement_timeout") == "7s") != reset


async def test_a_pool_and_held_connections_end_their_sessions(where: dict[str, Any]) -> None:
    mine = {**where, "server_settings": {"application_name": "to be closed"}}
    async with open_pool(3, **mine), hold_connections(2, **mine):
        pass
    onlooker = await asyncpg.connect(**where)
    try:
        count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'to be closed'"
        async with asyncio.timeout(20):
            while await onlooker.fetchval(count):
                await asyncio.sleep(0.05)
    finally:
        await onlooker.close(timeout=10)


async def test_more_clients_than_held_connections_are_errors_and_no_wait(
    where: dict[str, Any],
) -> None:
    async with hold_connections(1, **where) as held:
        result = await measure(on_held(held, "SELECT 1"), SHORT, progress=quiet())
        with pytest.raises(RuntimeError, match="hold one for every client"):
            await asyncio.gather(*(on_held(held, "SELECT pg_sleep(0.1)")() for _ in range(1)),
                                 on_held([], "SELECT 1")())  # fmt: skip
    assert result.errors["RuntimeError"] > 0
    assert len(result.latencies) > 0


async def test_a_pool_that_is_too_small_is_the_limit(where: dict[str, Any]) -> None:
    async with open_pool(1, **where) as pool:
        request = through_pool(pool, "SELECT pg_sleep(0.01)")
        result = await measure(request, replace(SHORT, clients=8), progress=quiet())
        assert result.evidence.wait_share is not None and result.evidence.wait_share > 0.5
        assert result.verdict().limited_by in ("pool", "client")  # A busy machine hides it.
        impatient = through_pool(pool, "SELECT pg_sleep(0.2)", timeout=0.25)
        timed_out = await measure(impatient, replace(SHORT, clients=8), progress=quiet())
    assert timed_out.errors["TimeoutError"] > 0
    assert "% of the requests failed" in timed_out.verdict().sentence


@pytest.mark.parametrize("kind", ["closed", "open"])
async def test_a_server_that_dies_during_the_run_is_seen_in_the_errors(
    kind: str, requests_home: Path
) -> None:
    load = ClosedLoop(4, 1.5, warmup=0.0) if kind == "closed" else OpenLoop(100, 1.5, warmup=0.0)
    async with own_server() as server:
        request = connect_each_time("SELECT 1", **server.arguments())
        crashed = asyncio.create_task(crash_after(0.5, server))
        async with asyncio.timeout(60):
            result = await measure(request, load, progress=quiet())
        assert await crashed
    assert len(result.latencies) > 0
    assert sum(result.errors.values()) > 0
    assert "of the requests failed" in result.verdict().sentence


async def crash_after(seconds: float, server: OwnServer) -> bool:
    await asyncio.sleep(seconds)
    return await server.crash()


async def test_a_sweep_over_pool_sizes_opens_one_pool_at_a_time(where: dict[str, Any]) -> None:
    opened: list[float] = []
    now_open: list[float] = []

    @asynccontextmanager
    async def make(size: float) -> AsyncIterator[Request]:
        async with open_pool(int(size), **where) as pool:
            assert now_open == []
            opened.append(size)
            now_open.append(size)
            yield through_pool(pool, "SELECT pg_sleep(0.02)")
            now_open.remove(size)

    swept = await sweep_over(
        "connections", [4, 1], make, replace(SHORT, clients=8), seconds=0.5, progress=quiet()
    )
    assert [point.at for point in swept.points] == [1, 4]
    assert sorted(opened) == [1, 1, 1, 4, 4, 4]
    assert swept.rounds == 3
    one, four = swept.points
    assert four.throughput > 2 * one.throughput
    knee = swept.knee()
    assert knee is not None and knee.value == 4 and knee.at_end
    assert "request, 1 connections" in one.verdict(swept.over).sentence


async def test_parts_of_seconds_instead_of_nanoseconds_are_refused() -> None:
    async def request() -> Parts:
        await asyncio.sleep(0.001)
        return Parts(wait=0.001)  # type: ignore[arg-type]

    for load in (SHORT, OpenLoop(100, seconds=0.3, warmup=0.0)):
        with pytest.raises(TypeError, match="whole nanoseconds"):
            await measure(request, load, progress=quiet())


async def test_parts_that_some_requests_report_are_kept_and_other_answers_ignored() -> None:
    calls = 0

    async def request() -> object:
        nonlocal calls
        calls += 1
        start = time.perf_counter_ns()
        await asyncio.sleep(0.002)
        return Parts(use=time.perf_counter_ns() - start) if calls % 2 else (1, 2, 3)

    result = await measure(request, replace(SHORT, clients=1), progress=quiet())
    assert set(result.parts) == {"use"}
    assert abs(2 * len(result.parts["use"]) - len(result.latencies)) <= 1
    assert (await measure(sleeper(0.01), SHORT, progress=quiet())).parts == {}
