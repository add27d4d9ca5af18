"""`safe_query_execution` keeps its limit, and never calls undone what may have been done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from labsupport.pooling import DatabasePool, QueryFailed, safe_query_execution
from labsupport.postgres import Distant, Server, distant
from tests.pooling.conftest import address_of

PLAIN = "Database temporarily unavailable"
LOST = "Database temporarily unavailable; a change may have been made"
INSERT = "INSERT INTO bought (item) VALUES ($1)"
LOSE = """
    CREATE FUNCTION lose(code text) RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'lost' USING errcode = code; END $$
"""
COMMITS_AND_LOSES = """
    DO $$ BEGIN
        INSERT INTO bought VALUES ('tea'); COMMIT;
        RAISE EXCEPTION 'lost' USING errcode = '40001';
    END $$
"""


@pytest.fixture(scope="module")
def proxy(server: Server, sample_data: str) -> Iterator[Distant]:
    """A proxy before the server, for all tests of this module."""
    with asyncio.Runner() as runner:
        manager = distant(server, round_trip=0)
        yield runner.run(manager.__aenter__())
        runner.run(manager.__aexit__(None, None, None))


@pytest.fixture
async def far(proxy: Distant) -> AsyncIterator[Distant]:
    """The proxy, whole at the beginning and at the end."""
    yield proxy
    await proxy.cut()
    await proxy.speak()


@pytest.fixture
async def bought(where: dict[str, Any], sample_data: str) -> AsyncIterator[Any]:
    """A connection that does not go through the proxy, and a table for what is bought."""
    conn = await asyncpg.connect(**{**where, "database": sample_data})
    await conn.execute("CREATE TABLE bought (item text)")
    await conn.execute(LOSE)
    yield conn
    await conn.execute("DROP TABLE bought; DROP FUNCTION lose")
    await conn.close(timeout=10)


@asynccontextmanager
async def pool_of(kind: str, address: dict[str, Any]) -> AsyncIterator[Any]:
    """A pool of one connection; giving it back may take a minute, so that a wait would be seen."""
    if kind == "DatabasePool":
        async with DatabasePool() as pool:
            await pool.initialize(**address, min_size=1, max_size=1, release_timeout=60.0)
            yield pool
    else:
        bare = await asyncpg.create_pool(**address, min_size=1, max_size=1)
        try:
            yield bare
        finally:
            bare.terminate()


@pytest.fixture(params=["DatabasePool", "asyncpg.Pool"])
async def far_pool(
    request: pytest.FixtureRequest, far: Distant, sample_data: str
) -> AsyncIterator[Any]:
    """A pool of one connection through the proxy, of either kind."""
    async with pool_of(request.param, {**address_of(far.server), "database": sample_data}) as pool:
        yield pool


async def refusal(pool: Any, query: str, *args: Any, timeout: float = 10) -> tuple[int, str]:
    """Status and sentence that a query gets, within 20 seconds."""
    with pytest.raises(QueryFailed) as caught:
        await asyncio.wait_for(safe_query_execution(pool, query, *args, timeout=timeout), 20)
    return caught.value.status_code, caught.value.detail


async def test_a_stored_write_whose_reply_was_lost_is_not_called_undone(
    far_pool: Any, far: Distant, bought: Any
) -> None:
    await far.swallow_next(b"INSERT 0 1")
    assert await refusal(far_pool, INSERT, "tea") == (503, LOST)
    assert await bought.fetchval("SELECT count(*) FROM bought") == 1


async def test_a_write_that_waits_beyond_the_limit_may_have_been_done(
    far_pool: Any, far: Distant, bought: Any
) -> None:
    await far.silent()
    assert await refusal(far_pool, INSERT, "tea", timeout=0.3) == (503, LOST)
    await far.speak()
    assert await safe_query_execution(far_pool, "SELECT 1")


async def test_a_query_that_never_had_a_connection_has_done_nothing(
    far_pool: Any, far: Distant
) -> None:
    async with far_pool.acquire():
        assert await refusal(far_pool, INSERT, "tea", timeout=0.2) == (503, PLAIN)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT pg_cancel_backend(pg_backend_pid())",
        "SELECT lose('40001') /* a race */",
        "SELECT lose('55P03') /* a lock */",
    ],
)
async def test_what_the_server_has_rolled_back_is_not_said_to_be_done(
    far_pool: Any, bought: Any, query: str
) -> None:
    assert await refusal(far_pool, query) == (503, PLAIN)


async def test_a_block_that_has_committed_is_not_called_undone(far_pool: Any, bought: Any) -> None:
    assert await refusal(far_pool, COMMITS_AND_LOSES) == (503, LOST)
    assert await bought.fetchval("SELECT count(*) FROM bought") == 1


async def test_a_limit_that_ends_a_query_costs_no_connection_when_the_server_answers(
    far_pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labsupport.pooling.errors.END_LIMIT", 15)
    [before] = await safe_query_execution(far_pool, "SELECT pg_backend_pid() AS pid")
    assert await refusal(far_pool, "SELECT pg_sleep(30)", timeout=0.2) == (503, LOST)
    [after] = await safe_query_execution(far_pool, "SELECT pg_backend_pid() AS pid")
    assert after == before
