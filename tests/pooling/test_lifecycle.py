"""The pool manager: hooks that last, the server's messages, counters, and the shutdown."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest

from labsupport.pooling import (
    AdvancedPoolManager,
    DatabaseSettings,
    LeakWatch,
    PoolClosed,
    PoolError,
)
from tests.pooling.opening import sessions, until

TUTORIALS_METRICS = {
    "pool_stats",
    "health_stats",
    "connection_counter",
    "error_counter",
    "error_rate",
}


def settings_for(where: dict[str, Any], **fields: Any) -> DatabaseSettings:
    """Settings of a pool of at most 2 connections, unless `fields` say otherwise."""
    sizes = {"pool_min_size": 1, "pool_max_size": 2, "application_name": "my_app_pool"}
    return DatabaseSettings(_env_file=None, **{**where, **sizes, **fields})


@asynccontextmanager
async def managed(
    where: dict[str, Any], *observers: Any, hooks: dict[str, Any] | None = None, **fields: Any
) -> AsyncIterator[AdvancedPoolManager]:
    """An open manager."""
    async with AdvancedPoolManager(*observers, **(hooks or {})) as manager:
        await manager.initialize_pool(settings_for(where, **fields))
        yield manager


async def test_settings_of_the_session_survive_release(where: dict[str, Any]) -> None:
    async with managed(where, pool_max_size=1) as manager:
        for _ in range(3):
            async with manager.pool.acquire() as conn:
                assert await conn.fetchval("SHOW work_mem") == "64MB"
                assert await conn.fetchval("SHOW maintenance_work_mem") == "256MB"
                assert await conn.fetchval("SHOW timezone") == "UTC"
                await conn.execute("SET work_mem = '1MB'")


async def test_hooks_are_called_for_each_connection_and_each_release(where: dict[str, Any]) -> None:
    seen: list[str] = []

    async def connected(conn: Any) -> None:
        seen.append(f"connect {await conn.fetchval('SELECT 1')}")

    async def released(conn: Any) -> None:
        seen.append("release")
        await conn.execute("SELECT 1")

    hooks = {"on_connect": connected, "on_release": released}
    async with managed(where, hooks=hooks, pool_max_size=1) as manager:
        await manager.health_monitor.stop_monitoring()
        seen.clear()
        for _ in range(2):
            async with manager.pool.acquire() as conn:
                await conn.execute("SET work_mem = '1MB'; SELECT pg_advisory_lock(7)")
        assert seen == ["release", "release"]
        await manager.pool.pool.expire_connections()
        async with manager.pool.acquire() as conn:
            # What the pool does at a release is still done.
            assert await conn.fetchval("SHOW work_mem") == "64MB"
            locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
            assert await conn.fetchval(locks) == 0
        assert "connect 1" in seen
        assert manager.connection_counter == 2


async def test_a_release_hook_that_fails_costs_the_connection_and_not_the_caller(
    where: dict[str, Any],
) -> None:
    async def fails(conn: Any) -> None:
        raise RuntimeError("a broken hook")

    async with managed(where, hooks={"on_release": fails}, pool_max_size=1) as manager:
        pids = set()
        for _ in range(3):
            async with manager.pool.acquire() as conn:
                pids.add(conn.get_server_pid())
        assert len(pids) == 3


async def test_messages_of_the_server_are_counted_by_severity_on_every_loan(
    where: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    unhandled: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
    say = "DO $$ BEGIN RAISE WARNING 'look here'; RAISE NOTICE 'by the way'; END $$"
    with warnings.catch_warnings():
        warnings.simplefilter("error", asyncpg.InterfaceWarning)
        async with managed(where, pool_max_size=1) as manager:
            for _ in range(3):
                async with manager.pool.acquire() as conn:
                    await conn.execute(say)
                    await asyncio.sleep(0)
            await until(lambda: manager.server_messages["WARNING"] == 3, "three warnings")
            assert dict(manager.server_messages) == {"WARNING": 3, "NOTICE": 3}
            assert manager.error_counter == 0
    assert unhandled == []
    assert [r.getMessage() for r in caplog.records if "look here" in r.getMessage()] == [
        "The server says: WARNING: look here"
    ] * 3


async def test_the_error_rate_is_failed_statements_over_statements(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        await manager.health_monitor.stop_monitoring()
        before = manager.query_counter
        for query in ("SELECT 1", "SELECT 1 / 0", "SELECT 2", "SELECT 3"):
            async with manager.pool.acquire() as conn:
                with suppress(asyncpg.DivisionByZeroError):
                    await conn.fetch(query)
        await until(lambda: manager.query_counter == before + 4, "all are counted")
        metrics = await manager.get_pool_metrics()
        assert metrics.keys() >= TUTORIALS_METRICS
        assert metrics["error_counter"] == 1
        assert metrics["error_rate"] == 1 / manager.query_counter <= 0.25
        assert metrics["connection_counter"] == 1


async def test_a_lost_connection_is_one_failed_statement(
    where: dict[str, Any], onlooker: Any
) -> None:
    kill_itself = "SELECT pg_terminate_backend(pg_backend_pid())"
    async with managed(where, pool_max_size=1) as manager:
        await manager.health_monitor.stop_monitoring()
        before = manager.query_counter
        for _ in range(3):
            with pytest.raises(asyncpg.ConnectionDoesNotExistError):
                await manager.execute_with_retry(kill_itself, max_retries=0, idempotent=True)
        for _ in range(2):
            with pytest.raises(asyncpg.PostgresError):
                async with manager.pool.acquire() as conn:
                    await conn.fetch(kill_itself)
        await asyncio.sleep(0)
        assert (manager.query_counter - before, manager.error_counter) == (5, 5)


async def test_an_idle_connection_that_is_lost_is_no_failed_statement(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with managed(where, pool_max_size=1) as manager:
        await manager.health_monitor.stop_monitoring()
        (pid,) = manager.local_backend_pids()
        assert await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
        await until(lambda: pid not in manager.local_backend_pids(), "the loss is seen")
        await manager.execute_with_retry("SELECT 1")
        assert manager.error_counter == 0


async def test_what_frames_a_transaction_is_no_statement_unless_it_fails(
    where: dict[str, Any],
) -> None:
    async with managed(where, pool_max_size=1) as manager:
        await manager.health_monitor.stop_monitoring()
        before = manager.query_counter
        async with manager.pool.acquire() as conn, conn.transaction(), conn.transaction():
            await conn.fetchval("SELECT 1")
        await asyncio.sleep(0)
        assert manager.query_counter - before == 1
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            async with manager.pool.acquire() as conn, conn.transaction():
                await conn.execute(
                    "CREATE TEMP TABLE a (i int PRIMARY KEY); CREATE TEMP TABLE b (i int "
                    "REFERENCES a DEFERRABLE INITIALLY DEFERRED); INSERT INTO b VALUES (1)"
                )
        await asyncio.sleep(0)
        assert manager.query_counter - before == 3 and manager.error_counter == 1


async def test_a_cancelled_statement_is_no_error(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        task = asyncio.create_task(manager.execute_with_retry("SELECT pg_sleep(30)"))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)
        await asyncio.sleep(0)
        assert manager.error_counter == 0


async def test_metrics_hold_pool_health_and_what_is_held(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        async with manager.pool.acquire():
            await asyncio.sleep(0.02)
            async with manager.pool.acquire():
                metrics = await manager.get_pool_metrics()
        assert metrics["health_stats"]["status"] == "healthy"
        assert metrics["pool_stats"]["acquired_count"] == 2
        longest, shortest = metrics["held_seconds"]
        assert longest > shortest and longest >= 0.02
        assert (await manager.get_pool_metrics())["held_seconds"] == []


async def test_before_initialize_and_after_shutdown_there_are_metrics_too() -> None:
    manager = AdvancedPoolManager()
    metrics = await manager.get_pool_metrics()
    assert metrics["error_rate"] == 0 and metrics["health_stats"]["status"] == "unknown"
    assert (await manager.graceful_shutdown()).graceful
    with pytest.raises(PoolError):
        await manager.execute_with_retry("SELECT 1")


async def test_initializing_twice_is_refused_and_harms_nothing(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with managed(where) as manager:
        with pytest.raises(PoolError, match="initialised already"):
            await manager.initialize_pool(settings_for(where))
        assert await sessions(onlooker) == 1
        assert await manager.execute_with_retry("SELECT 1")


async def test_a_refused_second_initialize_forgets_no_backend(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        pids = manager.local_backend_pids()
        with pytest.raises(PoolError, match="initialised already"):
            await manager.initialize_pool(settings_for({**where, "host": "db.example"}))
        assert manager.local_backend_pids() == pids != []


async def test_shutdown_during_initialize_ends_the_health_checks_too(
    where: dict[str, Any],
) -> None:
    async with AdvancedPoolManager() as manager:
        opening = asyncio.create_task(manager.initialize_pool(settings_for(where)))
        await asyncio.sleep(0)
        await asyncio.wait_for(manager.graceful_shutdown(), 20)
        assert not manager.health_monitor.monitoring
        await asyncio.wait_for(opening, 20)
        assert [t for t in asyncio.all_tasks() if t.get_name() == "connection health"] == []


async def test_a_cancelled_initialize_leaves_nothing_open_and_can_be_repeated(
    where: dict[str, Any], onlooker: Any
) -> None:
    checking, let_go = asyncio.Event(), asyncio.Event()

    async def hold_the_first_check(conn: Any) -> None:
        checking.set()
        await let_go.wait()

    async with AdvancedPoolManager(on_release=hold_the_first_check) as manager:
        opening = asyncio.create_task(manager.initialize_pool(settings_for(where)))
        async with asyncio.timeout(20):
            await checking.wait()
            opening.cancel()
            let_go.set()
            with pytest.raises(asyncio.CancelledError):
                await opening
            assert manager.pool.pool is None and not manager.health_monitor.monitoring
            while await sessions(onlooker):
                await asyncio.sleep(0.02)
            await manager.initialize_pool(settings_for(where))
        assert manager.health_monitor.is_healthy()


async def test_shutdown_with_work_in_flight_waiters_and_a_leak(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with managed(where, LeakWatch(after=60)) as manager:

        async def leak() -> None:
            await manager.pool.acquire()

        await asyncio.create_task(leak(), name="the careless task")
        at_work = asyncio.create_task(manager.execute_with_retry("SELECT 7 FROM pg_sleep(0.5)"))
        await until(lambda: manager.pool.get_pool_stats()["acquired_count"] == 2, "both lent")
        waiting = [asyncio.create_task(manager.execute_with_retry("SELECT 1")) for _ in range(3)]
        await until(lambda: manager.pool.get_pool_stats()["queue_size"] == 3, "three wait")
        report = await asyncio.wait_for(manager.graceful_shutdown(timeout=2), 20)
        assert [list(row.values()) for row in await at_work] == [[7]]
        refused = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in refused] == [PoolClosed] * 3
        assert report.refused == 3 and not report.graceful
        (left,) = report.left
        assert "the careless task" in left.where and "in leak" in left.where
        assert not manager.health_monitor.monitoring and not manager.health_monitor.is_healthy()
        async with asyncio.timeout(20):
            while await sessions(onlooker):
                await asyncio.sleep(0.02)
        assert (await manager.graceful_shutdown()).left == ()


async def test_shutdown_of_a_pool_at_rest_is_graceful_and_ends_every_task(
    where: dict[str, Any],
) -> None:
    before = asyncio.all_tasks()
    async with managed(where) as manager:
        await manager.execute_with_retry("SELECT 1")
        assert (await manager.graceful_shutdown()).graceful
        assert asyncio.all_tasks() == before


async def test_local_backends_are_known_by_their_ids(where: dict[str, Any], onlooker: Any) -> None:
    async with managed(where, pool_min_size=2) as manager:
        pids = manager.local_backend_pids()
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'my_app_pool'"
        assert sorted(row["pid"] for row in await onlooker.fetch(query)) == pids
        await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", pids[0])
        await until(lambda: pids[0] not in manager.local_backend_pids(), "it is forgotten")


async def test_what_is_logged_holds_no_password(
    where: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with managed(where) as manager:
            await manager.execute_with_retry("SELECT $1::text", "secret-argument")
    assert "Connection 1 established" in caplog.text and "shutdown completed" in caplog.text
    assert where["password"] not in caplog.text and "secret-argument" not in caplog.text
