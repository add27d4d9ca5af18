"""PooledDatabase: queries, transactions, cancellation, other people's errors, nested use."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from labsupport.pooling import DatabasePool, NestedAcquire, PooledDatabase, PoolTimeout
from tests.pooling.opening import open_pool, until

ADD_USER = "INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id"
ADD_PERSON = """
    WITH person AS (INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id)
    INSERT INTO profiles (user_id, bio) SELECT id, $3 FROM person RETURNING user_id
"""
NAME_OF = "SELECT name FROM users JOIN profiles ON users.id = user_id WHERE bio = $1"
REMOVE_USERS = "DELETE FROM users WHERE email LIKE '%@database.test'"
REMOVE_PROFILES = """
    DELETE FROM profiles USING users
    WHERE users.id = user_id AND email LIKE '%@database.test'
"""
COUNT = "SELECT count(*) FROM users WHERE email LIKE '%@database.test'"


@pytest.fixture
async def db(where: dict[str, Any], sample_data: str) -> AsyncIterator[PooledDatabase]:
    """A database with the lab's tables behind a pool of 2; what a test adds is deleted."""
    async with open_pool({**where, "database": sample_data}) as pool:
        db = PooledDatabase(pool)
        yield db
        await db.execute_transaction([(REMOVE_PROFILES, []), (REMOVE_USERS, [])])


async def test_queries_and_single_values(db: PooledDatabase) -> None:
    rows = await db.execute_query("SELECT id FROM users WHERE id <= $1 ORDER BY id", 3)
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert await db.execute_single("SELECT count(*) FROM users WHERE id <= $1", 3) == 3
    assert await db.execute_single("SELECT id FROM users WHERE false") is None


async def test_a_transaction_returns_the_rows_of_each_query(db: PooledDatabase) -> None:
    first, second = await db.execute_transaction(
        [(ADD_USER, ["Ann", "ann@database.test"]), (COUNT, [])]
    )
    assert first[0]["id"] > 0 and second[0][0] == 1


async def test_a_failed_transaction_leaves_nothing(db: PooledDatabase) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        await db.execute_transaction([(ADD_USER, ["Ann", "ann@database.test"])] * 2)
    assert await db.execute_single(COUNT) == 0


async def test_a_profile_goes_to_its_own_user_on_a_connection_that_others_used(
    db: PooledDatabase,
) -> None:
    await db.execute_transaction([(ADD_PERSON, ["Alice", "alice@database.test", "I am Alice"])])
    await db.execute_transaction([(ADD_PERSON, ["Bob", "bob@database.test", "I am Bob"])])
    assert await db.execute_single(NAME_OF, "I am Alice") == "Alice"
    assert await db.execute_single(NAME_OF, "I am Bob") == "Bob"
    assert "currval" not in (PooledDatabase.execute_transaction.__doc__ or "")


async def test_errors_of_the_callers_own_are_not_blamed_on_the_database(
    db: PooledDatabase, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyError):
        async with db.connection():
            raise KeyError("missing_key")
    with pytest.raises(TimeoutError):
        async with db.connection():
            raise TimeoutError
    said = [r for r in caplog.records if r.name.startswith("labsupport.")]
    assert [r for r in said if r.levelno > logging.INFO] == []
    assert capsys.readouterr().out == ""
    assert db.pool.get_pool_stats()["acquired_count"] == 0


async def test_errors_of_a_query_are_logged_without_its_parameters(
    db: PooledDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(asyncpg.DivisionByZeroError):
        await db.execute_single("SELECT 1 / (length($1) - 6)", "secret")
    assert "division by zero" in caplog.text and "length($1)" in caplog.text
    assert "secret" not in caplog.text


async def test_nested_use_is_refused_at_once_instead_of_deadlocking(db: PooledDatabase) -> None:
    both_hold = asyncio.Barrier(2)

    async def hold_and_ask_again() -> str:
        async with db.connection() as conn:
            await both_hold.wait()
            with pytest.raises(NestedAcquire, match="holds a connection already"):
                await db.execute_single("SELECT 1")
            return str(await conn.fetchval("SELECT 'still works'"))

    async with asyncio.timeout(5):
        results = await asyncio.gather(hold_and_ask_again(), hold_and_ask_again())
    assert results == ["still works"] * 2
    assert await db.execute_single("SELECT 1") == 1


async def test_the_same_nested_use_without_the_refusal_waits_for_ever(
    where: dict[str, Any],
) -> None:
    both_hold = asyncio.Barrier(2)

    async def hold_and_ask_again(pool: DatabasePool) -> None:
        async with pool.acquire():
            await both_hold.wait()
            async with pool.acquire(timeout=60):
                pass

    async with open_pool(where) as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await asyncio.gather(hold_and_ask_again(pool), hold_and_ask_again(pool))
        assert pool.get_pool_stats()["timeouts"] == 0


async def test_a_child_task_may_hold_a_connection_of_its_own(db: PooledDatabase) -> None:
    async with db.connection():
        child = asyncio.create_task(db.execute_single("SELECT 1"))
        assert await child == 1


async def test_a_cancelled_query_is_stopped_on_the_server_and_leaks_nothing(
    db: PooledDatabase, onlooker: Any
) -> None:
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(31)%'"
    task = asyncio.create_task(db.execute_query("SELECT pg_sleep(31)"))
    async with asyncio.timeout(10):
        while not await onlooker.fetchval(running + " AND state = 'active'"):
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while await onlooker.fetchval(running + " AND state = 'active'"):
            await asyncio.sleep(0.01)
    await until(lambda: db.pool.get_pool_stats()["acquired_count"] == 0, "it is back")
    assert await db.execute_single("SELECT 1") == 1  # The task set forgot the cancelled one.


async def test_a_task_that_got_no_connection_may_ask_again(where: dict[str, Any]) -> None:
    async with open_pool(where, acquire_timeout=0.05) as pool:
        db = PooledDatabase(pool)
        async with pool.acquire(timeout=10), pool.acquire(timeout=10):
            with pytest.raises(PoolTimeout):
                await db.execute_single("SELECT 1")
        assert await db.execute_single("SELECT 1") == 1


async def test_nested_use_is_refused_also_through_another_object_of_the_same_pool(
    where: dict[str, Any],
) -> None:
    async with open_pool(where) as pool, open_pool(where) as other:
        async with PooledDatabase(pool).connection():
            with pytest.raises(NestedAcquire):
                await PooledDatabase(pool).execute_single("SELECT 1")
            assert await PooledDatabase(other).execute_single("SELECT 1") == 1
        assert await PooledDatabase(pool).execute_single("SELECT 1") == 1
