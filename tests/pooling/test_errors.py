"""What an error means, shown by real faults on a real server."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg
import psutil
import pytest
from asyncpg import exceptions as pg

from labsupport.pooling import DatabasePool, WrongEventLoop
from labsupport.pooling.errors import (
    QueryFailed,
    health_check,
    is_transient,
    safe_query_execution,
    status_of,
)
from labsupport.postgres import OwnServer, Server
from tests.pooling.conftest import address_of

Query = tuple[str, tuple[Any, ...]]


@asynccontextmanager
async def opened(kind: str, server: Server, size: int) -> AsyncIterator[Any]:
    """Either kind of pool, with `size` connections."""
    if kind == "DatabasePool":
        async with DatabasePool() as pool:
            # A long limit for a release, so that a test sees whether one was waited for.
            sizes = {"min_size": size, "max_size": size, "release_timeout": 60.0}
            await pool.initialize(**address_of(server), **sizes)
            yield pool
    else:
        bare = await asyncpg.create_pool(**server.arguments(), min_size=size, max_size=size)
        try:
            yield bare
        finally:
            bare.terminate()


@pytest.fixture
def server(each_server: Server) -> Server:
    """Every major version in turn: the errors have to mean the same."""
    return each_server


@pytest.fixture
async def pool(server: Server) -> AsyncIterator[Any]:
    """A pool of one connection."""
    async with opened("DatabasePool", server, size=1) as made:
        yield made


@pytest.fixture(params=["DatabasePool", "asyncpg.Pool"])
async def either_pool(request: pytest.FixtureRequest, server: Server) -> AsyncIterator[Any]:
    """A pool of one connection, of either kind."""
    async with opened(request.param, server, size=1) as made:
        yield made


async def failure(call: Callable[[], Awaitable[Any]]) -> BaseException:
    """What a call raises."""
    try:
        await asyncio.wait_for(call(), 20)
    except Exception as error:
        return error
    raise AssertionError("nothing went wrong")


async def failed(pool: Any, query: str, *args: Any, timeout: float = 10) -> QueryFailed:
    """The refusal that a query meets."""
    error = await failure(lambda: safe_query_execution(pool, query, *args, timeout=timeout))
    assert isinstance(error, QueryFailed)
    assert error.__cause__ is not None
    return error


async def make_goods(pool: Any) -> None:
    """A table of this session only; it survives a release and ends with the connection."""
    await safe_query_execution(
        pool,
        "CREATE TEMP TABLE goods (name text PRIMARY KEY, price int NOT NULL CHECK (price > 0),"
        " like_it text REFERENCES goods)",
    )


INSERT = "INSERT INTO pg_temp.goods VALUES ($1, $2, $3)"


async def test_rows_come_back(either_pool: Any) -> None:
    rows = await safe_query_execution(either_pool, "SELECT $1::int AS n", 7)
    assert [dict(row) for row in rows] == [{"n": 7}]


@pytest.mark.parametrize(
    ("args", "status", "cause"),
    [
        (("tea", 1, None), 409, pg.UniqueViolationError),
        (("milk", 1, "honey"), 409, pg.ForeignKeyViolationError),
        (("milk", 0, None), 400, pg.CheckViolationError),
        (("milk", None, None), 400, pg.NotNullViolationError),
        (("milk", "one", None), 400, pg.DataError),
        (("milk", 2**40, None), 400, pg.DataError),
        (("milk", 1), 500, asyncpg.InterfaceError),
    ],
)
async def test_a_refused_row_gets_the_right_answer(
    pool: Any, args: tuple[Any, ...], status: int, cause: type[Exception]
) -> None:
    await make_goods(pool)
    await safe_query_execution(pool, INSERT, "tea", 3, None)
    error = await failed(pool, INSERT, *args)
    assert (error.status_code, type(error.__cause__)) == (status, cause)
    assert error.__cause__ is not None and not is_transient(error.__cause__)
    assert "goods" not in str(error) and "tea" not in str(error)


@pytest.mark.parametrize(
    ("query", "status", "cause"),
    [
        ("SELEC 1", 500, pg.PostgresSyntaxError),
        ("SELECT * FROM nowhere", 500, pg.UndefinedTableError),
        ("SELECT 'x'::int", 400, pg.InvalidTextRepresentationError),
        ("SELECT pg_cancel_backend(pg_backend_pid())", 503, pg.QueryCanceledError),
        ("SET TRANSACTION READ ONLY; CREATE TABLE t ()", 500, pg.PostgresSyntaxError),
    ],
)
async def test_a_wrong_query_gets_the_right_answer(
    pool: Any, query: str, status: int, cause: type[Exception]
) -> None:
    error = await failed(pool, query)
    assert (error.status_code, type(error.__cause__)) == (status, cause)
    assert error.__cause__ is not None and not is_transient(error.__cause__)


async def test_a_killed_backend_is_a_temporary_error(either_pool: Any) -> None:
    error = await failed(either_pool, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert error.status_code == 503
    assert isinstance(error.__cause__, pg.ConnectionDoesNotExistError)
    assert is_transient(error.__cause__)
    assert await safe_query_execution(either_pool, "SELECT 1")


async def test_a_backend_killed_in_a_transaction_is_transient(either_pool: Any) -> None:
    async def killed_inside() -> None:
        async with either_pool.acquire() as conn, conn.transaction():
            await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    error = await failure(killed_inside)
    assert type(error) is asyncpg.InterfaceError  # Not what happened, but what asyncpg says last.
    assert is_transient(error)


async def test_a_connection_lost_while_lent_out_is_transient(pool: Any, onlooker: Any) -> None:
    async def killed_by_another() -> None:
        async with pool.acquire() as conn:
            pid = await conn.fetchval("SELECT pg_backend_pid()")
            assert await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
            await asyncio.sleep(0.2)
            await conn.fetchval("SELECT 1")

    assert is_transient(await failure(killed_by_another))


async def test_killed_idle_connections_are_transient_until_replaced(server: Server) -> None:
    """They are killed while the event loop stands still, so that nobody has noticed."""
    async with opened("asyncpg.Pool", server, size=2) as pool:
        async with pool.acquire() as one, pool.acquire() as two:
            pids = [one.get_server_pid(), two.get_server_pid()]
        killer = threading.Thread(target=lambda: asyncio.run(kill(server, pids)))
        killer.start()
        killer.join(20)
        errors = []
        for _ in range(5):
            try:
                new_pid = await pool.fetchval("SELECT pg_backend_pid()")
            except Exception as error:
                errors.append(error)
        assert errors and all(is_transient(error) for error in errors)
        assert new_pid not in pids


async def kill(server: Server, pids: list[int]) -> None:
    """End backends from another connection and wait until they have ended."""
    connection = await asyncpg.connect(**server.arguments())
    for pid in pids:
        assert await connection.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    await connection.close(timeout=10)


@pytest.fixture
async def own_database(server: Server) -> AsyncIterator[Server]:
    """The server with a database in which we may make tables."""
    connection = await asyncpg.connect(**server.arguments())
    await connection.execute("CREATE DATABASE errors_test")
    yield replace(server, database="errors_test")
    await connection.execute("DROP DATABASE errors_test WITH (FORCE)")
    await connection.close(timeout=10)


@pytest.mark.parametrize("level", ["serializable", "read_committed"])
async def test_a_lost_race_of_transactions_is_transient(own_database: Server, level: str) -> None:
    """Write skew under serializable, a deadlock under read committed."""
    async with opened("asyncpg.Pool", own_database, size=2) as pool:
        await pool.execute("CREATE TABLE race (id int, n int)")
        await pool.execute("INSERT INTO race VALUES (1, 0), (2, 0)")
        both = asyncio.Barrier(2)

        async def add(mine: int, other: int) -> None:
            async with pool.acquire() as conn, conn.transaction(isolation=level):
                await conn.execute("UPDATE race SET n = n + 1 WHERE id = $1", mine)
                await both.wait()
                if level == "serializable":
                    await conn.fetch("SELECT n FROM race WHERE id = $1", other)
                else:
                    await conn.execute("UPDATE race SET n = n + 1 WHERE id = $1", other)

        async with asyncio.timeout(20):
            ended = await asyncio.gather(add(1, 2), add(2, 1), return_exceptions=True)
        errors = [error for error in ended if error is not None]
        expected = pg.SerializationError if level == "serializable" else pg.DeadlockDetectedError
        assert [type(error) for error in errors] == [expected]
        assert is_transient(errors[0]) and status_of(errors[0])[0] == 503


async def test_a_server_that_is_down_is_a_temporary_error(own: OwnServer) -> None:
    try:
        async with opened("DatabasePool", own.server, size=1) as pool:
            assert (await health_check(pool))["status"] == "healthy"
            running = await failing_query_while_stopping(pool, own)
            down = await failed(pool, "SELECT 1")
            report = await health_check(pool)
    finally:
        await own.start()
    assert running.status_code == down.status_code == 503
    assert isinstance(down.__cause__, OSError) and not isinstance(down.__cause__, TimeoutError)
    for error in (running, down):
        assert error.__cause__ is not None and is_transient(error.__cause__)
    assert report["status"] == "unhealthy"
    assert "waiting for a connection" in report["error"]


async def failing_query_while_stopping(pool: Any, own: OwnServer) -> QueryFailed:
    """The refusal of a query that runs when its server stops."""
    running = asyncio.create_task(failed(pool, "SELECT pg_sleep(15)", timeout=15))
    while pool.get_pool_stats()["acquired_count"] == 0:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert await own.stop()
    return await running


async def test_too_many_connections_is_transient(own: OwnServer) -> None:
    held: list[Any] = []
    try:
        error = await failure(lambda: fill(held, own.arguments()))
    finally:
        for connection in held:
            await connection.close(timeout=10)
    assert isinstance(error, pg.TooManyConnectionsError)
    assert is_transient(error) and status_of(error)[0] == 503


async def fill(held: list[Any], arguments: Any) -> None:
    """Connect until the server has no room."""
    while True:
        held.append(await asyncpg.connect(**arguments))


async def test_an_exhausted_pool_is_answered_in_time(either_pool: Any) -> None:
    async with either_pool.acquire():
        error = await failed(either_pool, "SELECT 1", timeout=0.3)
        report = await health_check(either_pool, timeout=0.3)
    assert error.status_code == 503
    assert isinstance(error.__cause__, TimeoutError)
    # A retry would only make the line longer.
    assert not is_transient(error.__cause__)
    assert report["status"] == "unhealthy"
    assert "waiting for a connection" in report["error"]
    assert await health_check(either_pool) == {"status": "healthy", "pool_size": 1}


async def test_a_query_is_ended_at_the_limit(
    either_pool: Any, onlooker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labsupport.pooling.errors.END_LIMIT", 15)
    error = await failed(either_pool, "SELECT pg_sleep(30)", timeout=0.3)
    assert error.status_code == 503
    assert error.__cause__ is not None and not is_transient(error.__cause__)
    still_running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30)%'"
    still_running += " AND state = 'active'"
    async with asyncio.timeout(10):
        while await onlooker.fetchval(still_running):
            await asyncio.sleep(0.05)
    assert await safe_query_execution(either_pool, "SELECT 1")


async def test_the_limit_of_the_pool_still_holds(server: Server) -> None:
    async with DatabasePool() as pool:
        await pool.initialize(**address_of(server), min_size=1, max_size=1, command_timeout=0.2)
        error = await asyncio.wait_for(failed(pool, "SELECT pg_sleep(60)", timeout=60), 20)
        assert isinstance(error.__cause__, TimeoutError)


async def test_a_closed_pool_is_unavailable_but_not_worth_a_retry(server: Server) -> None:
    async with opened("DatabasePool", server, size=1) as ours:
        await ours.close()
        async with opened("asyncpg.Pool", server, size=1) as bare:
            await bare.close()
            for pool in (ours, bare):
                error = await failed(pool, "SELECT 1")
                assert error.status_code == 503
                assert error.__cause__ is not None and not is_transient(error.__cause__)
                assert (await health_check(pool))["status"] == "unhealthy"


async def test_two_tasks_on_one_connection_are_a_mistake_and_not_transient(pool: Any) -> None:
    async with pool.acquire() as conn:
        ended = await asyncio.gather(
            conn.fetch("SELECT pg_sleep(0.3)"), conn.fetch("SELECT 1"), return_exceptions=True
        )
    errors = [error for error in ended if isinstance(error, BaseException)]
    assert len(errors) == 1 and isinstance(errors[0], asyncpg.InterfaceError)
    assert not is_transient(errors[0])
    assert status_of(errors[0])[0] == 500


async def test_a_pool_that_was_never_initialized_is_a_mistake() -> None:
    error = await failed(DatabasePool(), "SELECT 1")
    assert error.status_code == 500


@pytest.mark.same_machine
async def test_a_frozen_backend_does_not_hang_the_health_check(either_pool: Any) -> None:
    [row] = await safe_query_execution(either_pool, "SELECT pg_backend_pid() AS pid")
    backend = psutil.Process(row["pid"])
    backend.suspend()
    try:
        report = await asyncio.wait_for(health_check(either_pool, timeout=0.4), 10)
        again = await asyncio.wait_for(health_check(either_pool), 10)
    finally:
        backend.resume()
    assert report["status"] == "unhealthy"
    assert "waiting for the answer" in report["error"]
    assert again == {"status": "healthy", "pool_size": 1}  # A new connection has taken its place.


async def test_a_mistake_in_the_program_is_not_reported_as_a_sick_database() -> None:
    with pytest.raises(AttributeError):
        await health_check(object())  # type: ignore[arg-type]


async def test_a_cancelled_query_stays_cancelled(pool: Any) -> None:
    task = asyncio.create_task(safe_query_execution(pool, "SELECT pg_sleep(30)"))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)
    assert await safe_query_execution(pool, "SELECT 1")


async def test_only_our_own_mistakes_are_logged_with_a_traceback(
    pool: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="labsupport.pooling.errors"):
        await failed(pool, "SELEC 1")
        await failed(pool, "SELECT pg_terminate_backend(pg_backend_pid())")
        await failed(pool, "SELECT 'x'::int")
    # asyncio may report, at any moment, what connections of earlier tests left behind.
    seen = [
        (record.levelname, bool(record.exc_info))
        for record in caplog.records
        if record.name == "labsupport.pooling.errors"
    ]
    assert [entry for entry in seen if entry[0] in ("ERROR", "INFO")] == [
        ("ERROR", True),
        ("INFO", False),
    ]
    assert ("WARNING", False) in seen


def test_errors_of_the_network_are_transient_and_refusals_are_not() -> None:
    assert is_transient(ConnectionRefusedError(errno.ECONNREFUSED, "refused"))
    assert is_transient(ConnectionResetError(errno.ECONNRESET, "reset"))
    assert is_transient(TimeoutError(errno.ETIMEDOUT, "the network gave up"))
    assert is_transient(socket.gaierror(socket.EAI_AGAIN, "try again"))
    assert is_transient(asyncpg.InternalClientError("cannot switch to state 11"))
    assert not is_transient(pg.ProtocolError("not what PostgreSQL says"))
    assert not is_transient(pg.ProtocolViolationError("unsupported startup parameter"))
    assert not is_transient(ssl.SSLCertVerificationError(1, "certificate verify failed"))
    assert not is_transient(TimeoutError())
    assert not is_transient(asyncio.CancelledError())
    assert not is_transient(ValueError("something else"))


async def test_a_server_that_takes_no_writes_is_unavailable(pool: Any) -> None:
    async def write() -> None:
        async with pool.acquire() as conn, conn.transaction(readonly=True):
            await conn.execute("CREATE TABLE never (id int)")

    error = await failure(write)
    assert isinstance(error, pg.ReadOnlySQLTransactionError)
    assert status_of(error)[0] == 503
    assert not is_transient(error)


async def test_health_check_from_another_event_loop_is_a_mistake_and_no_ill_health(
    server: Server,
) -> None:
    async with opened("DatabasePool", server, 1) as pool:
        with pytest.raises(WrongEventLoop):
            await asyncio.to_thread(asyncio.run, health_check(pool))
        assert (await health_check(pool))["status"] == "healthy"
