"""Retries: what is tried again, for how long, and that no lost reply stores anything twice."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from labsupport.pooling import (
    AdvancedPoolManager,
    PoolClosed,
    PoolTimeout,
    ReplyLost,
    is_transient,
    status_of,
)
from labsupport.postgres import Distant, OwnServer, Server, distant
from tests.pooling.conftest import address_of
from tests.pooling.opening import until
from tests.pooling.test_lifecycle import managed

INSERT = "INSERT INTO ordered (item) VALUES ($1)"
DONE = b"INSERT 0 1"
BACKOFF = 0.01


@pytest.fixture
async def manager(where: dict[str, Any]) -> AsyncIterator[AdvancedPoolManager]:
    """A manager of one connection, without background checks that would take it."""
    async with managed(where, pool_max_size=1) as made:
        await made.health_monitor.stop_monitoring()
        yield made


@pytest.fixture
async def orders(where: dict[str, Any], sample_data: str) -> AsyncIterator[Any]:
    """A connection to the database in which the table for orders is."""
    conn = await asyncpg.connect(**{**where, "database": sample_data})
    await conn.execute("CREATE TABLE ordered (id serial, item text)")
    yield conn
    await conn.execute("DROP TABLE ordered")
    await conn.close(timeout=10)


@pytest.fixture(scope="module")
def proxy(server: Server) -> Iterator[Distant]:
    """A proxy before the server, for all tests of this module."""
    with asyncio.Runner() as runner:
        manager = distant(server, round_trip=0)
        yield runner.run(manager.__aenter__())
        runner.run(manager.__aexit__(None, None, None))


@pytest.fixture
async def between(proxy: Distant) -> AsyncIterator[Between]:
    """The proxy, whole at the beginning and at the end."""
    yield Between(proxy, (await proxy.counts()).swallowed)
    await proxy.cut()
    await proxy.speak()


@dataclass
class Between:
    """The proxy, and how many replies it had swallowed before this test."""

    proxy: Distant
    before: int

    async def swallowed(self) -> int:
        """How many replies it has swallowed in this test."""
        return (await self.proxy.counts()).swallowed - self.before


@pytest.fixture
async def distant_manager(sample_data: str, between: Between) -> AsyncIterator[AdvancedPoolManager]:
    """A manager of one connection that goes through the proxy."""
    address = {**address_of(between.proxy.server), "database": sample_data}
    async with managed(address, pool_max_size=1) as made:
        await made.health_monitor.stop_monitoring()
        yield made


async def items(orders: Any) -> list[str]:
    """What is stored."""
    return [row["item"] for row in await orders.fetch("SELECT item FROM ordered ORDER BY id")]


async def test_a_lost_reply_does_not_store_twice(
    distant_manager: AdvancedPoolManager, between: Between, orders: Any
) -> None:
    await between.proxy.swallow_next(DONE)
    with pytest.raises(ReplyLost, match="may have been done") as raised:
        await distant_manager.execute_with_retry(INSERT, "coffee", backoff=BACKOFF)
    assert await between.swallowed() == 1 and await items(orders) == ["coffee"]
    assert isinstance(raised.value.__cause__, asyncpg.PostgresError | OSError)
    assert distant_manager.retry_counter == 1
    status, detail = status_of(raised.value)
    assert status == 503 and "may have been made" in detail
    assert not is_transient(raised.value)
    await distant_manager.execute_with_retry(INSERT, "tea", backoff=BACKOFF)
    assert await items(orders) == ["coffee", "tea"]


async def test_a_lost_reply_of_a_statement_that_hides_its_write_does_not_store_twice(
    distant_manager: AdvancedPoolManager, between: Between, orders: Any
) -> None:
    await between.proxy.swallow_next(b"SELECT 1")
    hidden = "WITH new AS (INSERT INTO ordered (item) VALUES ($1) RETURNING id) SELECT id FROM new"
    with pytest.raises(ReplyLost):
        await distant_manager.execute_with_retry(hidden, "coffee", backoff=BACKOFF)
    assert await between.swallowed() == 1 and await items(orders) == ["coffee"]


async def test_a_lost_reply_of_what_may_happen_twice_is_repeated(
    distant_manager: AdvancedPoolManager, between: Between, orders: Any
) -> None:
    await orders.execute("CREATE UNIQUE INDEX ON ordered (item)")
    await between.proxy.swallow_next(DONE)
    query = INSERT + " ON CONFLICT DO NOTHING"
    await distant_manager.execute_with_retry(query, "coffee", backoff=BACKOFF, idempotent=True)
    assert await between.swallowed() == 1 and await items(orders) == ["coffee"]
    assert distant_manager.retry_counter == 1


async def test_the_fault_is_real_whoever_repeats_blindly_stores_twice(
    distant_manager: AdvancedPoolManager, between: Between, orders: Any
) -> None:
    await between.proxy.swallow_next(DONE)
    await distant_manager.execute_with_retry(INSERT, "coffee", backoff=BACKOFF, idempotent=True)
    assert await between.swallowed() == 1 and await items(orders) == ["coffee", "coffee"]


async def test_a_lost_reply_of_a_read_is_read_again(
    distant_manager: AdvancedPoolManager, between: Between, orders: Any
) -> None:
    await orders.execute(INSERT, "coffee")
    await between.proxy.swallow_next(b"SELECT 1")
    rows = await distant_manager.execute_with_retry("SELECT item FROM ordered", backoff=BACKOFF)
    assert await between.swallowed() == 1 and [row["item"] for row in rows] == ["coffee"]


async def test_a_lost_reply_and_then_no_server_is_still_a_lost_reply(
    distant_manager: AdvancedPoolManager, between: Between, orders: Any
) -> None:
    async def swallow_and_go_away() -> None:
        async with asyncio.timeout(20):
            while not await between.swallowed():
                await asyncio.sleep(0)
        await between.proxy.silent()

    await between.proxy.swallow_next(DONE)
    gone = asyncio.create_task(swallow_and_go_away())
    with pytest.raises(ReplyLost):
        await distant_manager.execute_with_retry(INSERT, "coffee", timeout=1, backoff=0.2)
    await gone
    assert await items(orders) == ["coffee"]


async def test_a_backend_killed_in_the_middle_of_a_read_goes_unnoticed(
    manager: AdvancedPoolManager, onlooker: Any
) -> None:
    async with manager.pool.acquire() as conn:
        pid = conn.get_server_pid()
    query = "SELECT pg_backend_pid() AS pid FROM pg_sleep(0.5)"
    task = asyncio.create_task(manager.execute_with_retry(query, backoff=BACKOFF))
    await until(lambda: manager.pool.get_pool_stats()["acquired_count"], "it runs")
    await asyncio.sleep(0.1)
    assert await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    [row] = await asyncio.wait_for(task, 20)
    assert row["pid"] != pid and manager.retry_counter == 1


async def test_a_restart_of_the_server_goes_unnoticed_by_readers(own: OwnServer) -> None:
    outcomes: Counter[str] = Counter()

    async def read_on(manager: AdvancedPoolManager, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await manager.execute_with_retry("SELECT 1", max_retries=20, backoff=0.05)
                outcomes["ok"] += 1
            except Exception as error:
                outcomes[repr(error)] += 1
            await asyncio.sleep(0.01)

    async with managed(address_of(own.server), pool_max_size=4) as manager:
        stop = asyncio.Event()
        readers = [asyncio.create_task(read_on(manager, stop)) for _ in range(6)]
        await until(lambda: outcomes["ok"] > 20, "they read")
        assert await own.stop()
        await until(lambda: manager.retry_counter >= 6, "they met the fault")
        before = outcomes["ok"]
        await own.start()
        await until(lambda: outcomes["ok"] > before + 20, "they read again", limit=20)
        stop.set()
        await asyncio.wait_for(asyncio.gather(*readers), 20)
    assert set(outcomes) == {"ok"}, outcomes


async def test_connecting_that_took_too_long_is_tried_again(
    sample_data: str, between: Between
) -> None:
    address = {**address_of(between.proxy.server), "database": sample_data}
    async with managed(
        address, pool_min_size=0, pool_max_size=1, connect_timeout=0.3, acquire_timeout=60
    ) as manager:
        await manager.health_monitor.stop_monitoring()
        await between.proxy.cut()
        await until(lambda: manager.pool.get_pool_stats()["size"] == 0, "the loss is seen")
        await between.proxy.silent()
        task = asyncio.create_task(
            manager.execute_with_retry("SELECT 7", max_retries=50, backoff=BACKOFF)
        )
        await until(lambda: manager.retry_counter >= 2 or task.done(), "it is tried again", 20)
        await between.proxy.speak()
        assert [tuple(row) for row in await asyncio.wait_for(task, 30)] == [(7,)]


TRANSACTION_TIMEOUT = "SELECT count(*) FROM pg_settings WHERE name = 'transaction_timeout'"


async def test_a_limit_of_the_server_that_ends_the_session_is_not_tried_again(
    where: dict[str, Any], onlooker: Any
) -> None:
    # Before PostgreSQL 17 no such limit existed; the nearest ends the statement only.
    has_it = await onlooker.fetchval(TRANSACTION_TIMEOUT)
    name = "transaction_timeout" if has_it else "lock_timeout"
    await onlooker.execute("SELECT pg_advisory_lock(77)")
    async with managed(where, hooks={"server_settings": {name: "200ms"}}) as manager:
        await manager.health_monitor.stop_monitoring()
        with pytest.raises(asyncpg.PostgresError, match="timeout"):
            await manager.execute_with_retry("SELECT pg_advisory_lock(77)", backoff=BACKOFF)
        assert (manager.retry_counter, manager.error_counter) == (0, 1)
    await onlooker.execute("SELECT pg_advisory_unlock(77)")


PROCEDURE = """
    CREATE OR REPLACE PROCEDURE book(item text) LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO ordered (item) VALUES (item);
        COMMIT;
        RAISE EXCEPTION 'lost a race' USING ERRCODE = 'serialization_failure';
    END $$
"""
BLOCK = """
    -- The same without a name.
    DO $$ BEGIN CALL book('coffee'); END $$
"""


@pytest.mark.parametrize("query", ["CALL book('coffee')", BLOCK])
async def test_what_may_commit_midway_is_not_repeated(
    where: dict[str, Any], sample_data: str, orders: Any, query: str
) -> None:
    await orders.execute(PROCEDURE)
    async with managed({**where, "database": sample_data}) as manager:
        with pytest.raises(asyncpg.SerializationError):
            await manager.execute_with_retry(query, backoff=BACKOFF)
        assert await items(orders) == ["coffee"] and manager.retry_counter == 0
        with pytest.raises(asyncpg.SerializationError):
            await manager.execute_with_retry(query, backoff=BACKOFF, idempotent=True)
        assert manager.retry_counter == 3


async def test_a_lost_reply_of_a_procedure_is_not_repeated_either(
    distant_manager: AdvancedPoolManager, between: Between, orders: Any
) -> None:
    await orders.execute(PROCEDURE.replace("RAISE", "-- RAISE"))
    await between.proxy.swallow_next(b"CALL")
    with pytest.raises(ReplyLost):
        await distant_manager.execute_with_retry("CALL book($1)", "coffee", backoff=BACKOFF)
    assert await between.swallowed() == 1 and await items(orders) == ["coffee"]
    assert distant_manager.retry_counter == 0


@pytest.mark.parametrize(
    ("query", "args", "error"),
    [
        ("SELECT $1::int", (1, 2), asyncpg.InterfaceError),
        ("SELECT $1::int", ("one",), asyncpg.DataError),
        ("SELEC 1", (), asyncpg.PostgresSyntaxError),
        ("SELECT pg_cancel_backend(pg_backend_pid())", (), asyncpg.QueryCanceledError),
    ],
)
async def test_a_mistake_is_raised_at_once(
    manager: AdvancedPoolManager, query: str, args: tuple[Any, ...], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await manager.execute_with_retry(query, *args)
    assert manager.retry_counter == 0


async def test_an_exhausted_pool_is_one_error_and_no_transient_one(
    manager: AdvancedPoolManager,
) -> None:
    async with manager.pool.acquire():
        # The limit of the call, and not the pool's own, which is longer.
        with pytest.raises(PoolTimeout, match=r"within 0\.\d+ s.*in use 1") as raised:
            await manager.execute_with_retry("SELECT 1", timeout=0.2)
    # Its wait took the whole time, so that none was left to try again in.
    assert not is_transient(raised.value) and manager.error_counter == 1


async def test_a_closed_pool_is_not_asked_again(manager: AdvancedPoolManager) -> None:
    await manager.graceful_shutdown()
    with pytest.raises(PoolClosed):
        await manager.execute_with_retry("SELECT 1")
    assert manager.retry_counter == 0


async def kill_itself(manager: AdvancedPoolManager, **options: Any) -> Exception:
    """The error of a query that loses its connection each time."""
    query = "SELECT pg_terminate_backend(pg_backend_pid())"
    with pytest.raises(Exception) as raised:
        await manager.execute_with_retry(query, idempotent=True, **options)
    return raised.value


@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_it_gives_up_after_so_many_retries_with_the_last_error(
    manager: AdvancedPoolManager, retries: int
) -> None:
    error = await kill_itself(manager, max_retries=retries, backoff=BACKOFF)
    assert isinstance(error, asyncpg.ConnectionDoesNotExistError)
    assert manager.retry_counter == retries
    assert manager.connection_counter <= 1 + retries + 1


async def test_it_gives_up_when_the_next_wait_would_pass_the_deadline(
    manager: AdvancedPoolManager,
) -> None:
    error = await kill_itself(manager, max_retries=50, backoff=0.2, timeout=1.0)
    assert isinstance(error, asyncpg.ConnectionDoesNotExistError)
    assert 1 <= manager.retry_counter <= 4


async def test_the_waits_between_tries_grow(manager: AdvancedPoolManager) -> None:
    started = time.monotonic()
    await kill_itself(manager, max_retries=3, backoff=0.1)
    assert time.monotonic() - started >= 0.05 + 0.1 + 0.2


async def test_a_query_is_ended_at_the_deadline(
    manager: AdvancedPoolManager, onlooker: Any
) -> None:
    before = manager.query_counter
    with pytest.raises(TimeoutError, match="limit"):
        await manager.execute_with_retry("SELECT pg_sleep(30) AS late", timeout=0.3)
    assert (manager.query_counter - before, manager.error_counter) == (1, 1)
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%AS late' AND state='active'"
    assert await onlooker.fetchval(running + " AND pid <> pg_backend_pid()") == 0
    assert manager.retry_counter == 0 and await manager.execute_with_retry("SELECT 1")


@pytest.mark.parametrize("options", [{"max_retries": -1}, {"timeout": 0}, {"backoff": -1}])
async def test_arguments_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="or more"):
        await AdvancedPoolManager().execute_with_retry("SELECT 1", **options)


async def test_a_transaction_that_lost_a_race_is_run_again(
    where: dict[str, Any], orders: Any, sample_data: str
) -> None:
    """Under repeatable read, an update of a row that another has changed meanwhile must fail."""
    await orders.execute(INSERT, "coffee")
    serial = {"default_transaction_isolation": "repeatable read"}
    database = {**where, "database": sample_data}
    async with managed(database, hooks={"server_settings": serial}) as manager:
        async with orders.transaction():
            await orders.execute("UPDATE ordered SET item = 'mocha'")
            task = asyncio.create_task(
                manager.execute_with_retry("UPDATE ordered SET item = item || '!'", backoff=BACKOFF)
            )
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            async with asyncio.timeout(20):
                while not await orders.fetchval(waits):
                    await asyncio.sleep(0.01)
        await asyncio.wait_for(task, 20)
        assert await items(orders) == ["mocha!"] and manager.retry_counter == 1
