"""What a pool leaves behind, as the README says: in a session, and of a connection not returned."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pooling.opening import open_pool

MAKE = """
    CREATE TEMP TABLE mine AS SELECT 'of the one before' AS text;
    PREPARE seven AS SELECT 7;
    CREATE TEMP SEQUENCE counter START 3;
    SELECT nextval('counter');
"""


async def test_a_role_temporary_tables_prepared_statements_and_currval_stay_for_the_next_borrower(
    where: dict[str, Any],
) -> None:
    async with open_pool(where, max_size=1) as pool:
        async with pool.acquire() as conn:
            await conn.execute(MAKE)
            await conn.execute(f'SET ROLE "{where["user"]}"')
        async with pool.acquire() as conn:
            assert await conn.fetchval("SHOW role") == where["user"]  # At first it is "none".
            assert await conn.fetchval("SELECT text FROM mine") == "of the one before"
            assert await conn.fetchval("EXECUTE seven") == 7
            assert await conn.fetchval("SELECT currval('counter')") == 3


async def test_a_reset_that_discards_all_leaves_none_of_them(where: dict[str, Any]) -> None:
    async def discard_all(conn: Any) -> None:
        await conn.execute("DISCARD ALL")

    settings = {"application_name": "spotless"}
    async with open_pool(
        where, max_size=1, reset=discard_all, statement_cache_size=0, server_settings=settings
    ) as pool:
        async with pool.acquire() as conn:
            await conn.execute(MAKE)
            await conn.execute(f'SET ROLE "{where["user"]}"')
            await conn.execute("SET application_name TO spotted")
        async with pool.acquire() as conn:
            assert await conn.fetchval("SHOW role") == "none"
            assert await conn.fetchval("SELECT to_regclass('pg_temp.mine')") is None
            assert await conn.fetchval("SELECT count(*) FROM pg_prepared_statements") == 0
            assert await conn.fetchval("SHOW application_name") == "spotless"


async def test_async_with_await_acquire_is_refused_and_its_connection_is_reported(
    where: dict[str, Any],
) -> None:
    async with open_pool(where, max_size=1) as pool:
        with pytest.raises(TypeError, match="context manager"):
            async with await pool.acquire():
                pass
        assert pool.get_pool_stats()["acquired_count"] == 1
        report = await pool.close(timeout=0)
    assert len(report.left) == 1
