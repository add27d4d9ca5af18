"""The health monitor: what it says of a pool in trouble, and that it keeps to its limits."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import psutil
import pytest

from labsupport.pooling import ConnectionHealthMonitor, DatabasePool, WrongEventLoop
from labsupport.postgres import OwnServer, Server, distant
from tests.pooling.conftest import address_of
from tests.pooling.opening import open_pool, sessions, until

TUTORIALS_KEYS = {"last_check", "status", "pool_stats"}


def tasks() -> list[asyncio.Task[Any]]:
    """The monitors' tasks that are there now."""
    return [task for task in asyncio.all_tasks() if task.get_name() == "connection health"]


async def until_healthy(monitor: ConnectionHealthMonitor) -> None:
    """Check until the answer is "healthy"; a closed session takes a moment to be gone."""
    async with asyncio.timeout(20):
        while (await monitor.check())["status"] != "healthy":
            await asyncio.sleep(0.05)


async def test_before_the_first_check_it_is_not_healthy_and_says_why(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool)
        assert not monitor.is_healthy()
        status = monitor.get_health_status()
        assert (status["status"], status["reason"]) == ("unknown", "not checked")
        assert status["error"] and status["last_check"] is None


async def test_directly_after_start_it_knows(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool)
        await monitor.start_monitoring()
        assert monitor.is_healthy()
        status = monitor.get_health_status()
        assert status.keys() == TUTORIALS_KEYS | {"response_time", "reason"}
        assert status["response_time"] > 0 and status["pool_stats"]["max_size"] == 2
        await monitor.stop_monitoring()


async def test_a_second_start_makes_no_second_task(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool)
        await asyncio.gather(*(monitor.start_monitoring() for _ in range(3)))
        await monitor.start_monitoring()
        assert len(tasks()) == 1 and monitor.monitoring
        await monitor.stop_monitoring()
        assert tasks() == [] and not monitor.monitoring
        await monitor.start_monitoring()
        assert len(tasks()) == 1 and monitor.is_healthy()
        await monitor.stop_monitoring()


async def test_it_checks_again_and_again(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool, check_interval=0.01)
        await monitor.start_monitoring()
        await until(lambda: pool.get_pool_stats()["wait_time"].count >= 4, "four checks")
        await monitor.stop_monitoring()
        done = pool.get_pool_stats()["wait_time"].count
        await asyncio.sleep(0.1)
        assert pool.get_pool_stats()["wait_time"].count == done


async def test_after_stop_nobody_knows(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool)
        await monitor.start_monitoring()
        checked = monitor.get_health_status()["last_check"]
        await monitor.stop_monitoring()
        await monitor.stop_monitoring()
        status = monitor.get_health_status()
        assert not monitor.is_healthy()
        assert (status["reason"], status["last_check"]) == ("stopped", checked)


async def test_start_and_stop_at_the_same_time_end(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool)
        async with asyncio.timeout(10):
            await asyncio.gather(monitor.start_monitoring(), monitor.stop_monitoring())
        assert tasks() == []


async def test_an_exhausted_pool_is_said_to_be_exhausted_and_recovery_leaves_nothing_behind(
    where: dict[str, Any],
) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool, timeout=0.2)
        await monitor.check()
        async with pool.acquire(), pool.acquire():
            status = await asyncio.wait_for(monitor.check(), 10)
            assert not monitor.is_healthy()
        assert (status["status"], status["reason"]) == ("unhealthy", "exhausted")
        assert "the database was not asked" in status["error"] and "in use 2" in status["error"]
        assert status.keys() == TUTORIALS_KEYS | {"error", "reason"}
        await monitor.check()
        assert monitor.is_healthy()
        assert "error" not in monitor.get_health_status()


async def test_a_pool_that_refuses_more_waiters_is_exhausted_too(where: dict[str, Any]) -> None:
    async with open_pool(where, max_size=1, max_waiting=0) as pool, pool.acquire():
        status = await ConnectionHealthMonitor(pool).check()
        assert status["reason"] == "exhausted"


async def test_a_broken_connection_that_is_still_held_does_not_exhaust_the_pool(
    server: Server,
) -> None:
    async with (
        distant(server, round_trip=0) as far,
        open_pool(address_of(far.server), min_size=0, max_size=1) as pool,
    ):
        conn = await pool.acquire()
        await far.cut()
        await until(lambda: pool.get_pool_stats()["size"] == 0, "the connection was lost")
        await far.silent()
        status = await asyncio.wait_for(ConnectionHealthMonitor(pool, timeout=0.4).check(), 10)
        # There was a free place; it was the server that did not let anybody in.
        assert status["reason"] == "unreachable"
        await far.cut()
        await far.speak()
        await pool.release(conn)


async def test_an_old_answer_does_not_count(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool, check_interval=0.1, timeout=0.2)
        checked = await monitor.check()
        await until(lambda: monitor.get_health_status()["reason"] == "stale", "it is too old")
        status = monitor.get_health_status()
        assert status["status"] == "unknown" and not monitor.is_healthy()
        assert status["last_check"] == checked["last_check"]


@pytest.mark.same_machine
async def test_a_frozen_backend_is_no_answer_and_is_replaced(where: dict[str, Any]) -> None:
    async with open_pool(where, max_size=1, release_timeout=60) as pool:
        async with pool.acquire() as conn:
            backend = psutil.Process(conn.get_server_pid())
        monitor = ConnectionHealthMonitor(pool, timeout=0.3)
        backend.suspend()
        try:
            status = await asyncio.wait_for(monitor.check(), 20)
        finally:
            backend.resume()
        assert status["reason"] == "no answer"
        await until_healthy(ConnectionHealthMonitor(pool))
        async with pool.acquire() as conn:
            assert conn.get_server_pid() != backend.pid


@pytest.mark.same_machine
async def test_it_stops_in_the_middle_of_a_check(where: dict[str, Any]) -> None:
    async with open_pool(where, max_size=1, release_timeout=60) as pool:
        async with pool.acquire() as conn:
            backend = psutil.Process(conn.get_server_pid())
        monitor = ConnectionHealthMonitor(pool, timeout=60)
        backend.suspend()
        try:
            start = asyncio.create_task(monitor.start_monitoring())
            await until(lambda: pool.get_pool_stats()["acquired_count"] == 1, "a check runs")
            await asyncio.sleep(0.05)
            await asyncio.wait_for(monitor.stop_monitoring(), 20)
            await asyncio.wait_for(start, 20)
        finally:
            backend.resume()
        assert tasks() == [] and monitor.get_health_status()["reason"] == "stopped"


@pytest.mark.same_machine
async def test_it_stops_although_the_connection_is_lost_in_the_same_turn_of_the_loop(
    where: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    transports: list[asyncio.Transport] = []
    loop = asyncio.get_running_loop()
    create_connection = loop.create_connection

    async def noting(*args: Any, **options: Any) -> Any:
        made = await create_connection(*args, **options)
        transports.append(made[0])
        return made

    monkeypatch.setattr(loop, "create_connection", noting)
    async with open_pool(where, max_size=1) as pool:
        async with pool.acquire() as conn:
            backend = psutil.Process(conn.get_server_pid())
        monitor = ConnectionHealthMonitor(pool, check_interval=60, timeout=60)
        checking: asyncio.Task[Any] | None = None
        backend.suspend()
        try:
            start = asyncio.create_task(monitor.start_monitoring())
            await until(lambda: pool.get_pool_stats()["acquired_count"] == 1, "a check runs")
            await asyncio.sleep(0.05)
            (checking,) = tasks()
            transports[-1].abort()
            stop = asyncio.create_task(monitor.stop_monitoring())
            await asyncio.wait([stop], timeout=5)
            assert checking.done() and stop.done()
            await asyncio.wait_for(start, 20)
        finally:
            backend.resume()
            if checking is not None:
                checking.cancel()
        assert monitor.get_health_status()["reason"] == "stopped"


async def test_its_limit_holds_for_giving_the_connection_back_too(where: dict[str, Any]) -> None:
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def slow(conn: Any) -> None:
        begun.set()
        await let_go.wait()
        await conn.reset()

    async with open_pool(where, max_size=1, release_timeout=60, reset=slow) as pool:
        status = await asyncio.wait_for(ConnectionHealthMonitor(pool, timeout=3).check(), 20)
        assert begun.is_set() and not let_go.is_set()
        assert (status["status"], status["reason"]) == ("unhealthy", "no answer")
        let_go.set()
        async with pool.acquire() as conn:
            assert await conn.fetchval("SELECT 1") == 1


async def test_another_event_loop_is_told_so_and_the_monitoring_goes_on(
    where: dict[str, Any],
) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool)
        await monitor.start_monitoring()
        for call in (monitor.check, monitor.stop_monitoring):
            with pytest.raises(WrongEventLoop):
                await asyncio.to_thread(asyncio.run, call())
            assert monitor.monitoring and monitor.is_healthy()
        await monitor.stop_monitoring()


async def test_the_tutorials_keys_are_there_also_when_nobody_knows(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        monitor = ConnectionHealthMonitor(pool, check_interval=0.01, timeout=0.5)
        found = [monitor.get_health_status()]
        await monitor.check()
        await until(lambda: monitor.get_health_status()["reason"] == "stale", "it is too old")
        found.append(monitor.get_health_status())
        await monitor.start_monitoring()
        await monitor.stop_monitoring()
        found.append(monitor.get_health_status())
        assert [status["reason"] for status in found] == ["not checked", "stale", "stopped"]
        for status in found:
            assert status.keys() == TUTORIALS_KEYS | {"error", "reason"}
            assert status["pool_stats"]["max_size"] == 2
        assert monitor.health_stats == monitor.get_health_status()


async def test_it_stops_while_it_waits_for_a_connection(where: dict[str, Any]) -> None:
    async with open_pool(where, max_size=1) as pool, pool.acquire():
        monitor = ConnectionHealthMonitor(pool, timeout=60)
        start = asyncio.create_task(monitor.start_monitoring())
        await until(lambda: pool.get_pool_stats()["queue_size"] == 1, "the check waits")
        await asyncio.wait_for(monitor.stop_monitoring(), 20)
        await asyncio.wait_for(start, 20)
        assert pool.get_pool_stats()["queue_size"] == 0


async def test_a_network_that_has_gone_away_is_noticed_in_time(server: Server) -> None:
    async with (
        distant(server, round_trip=0) as far,
        open_pool(address_of(far.server), max_size=1) as pool,
    ):
        monitor = ConnectionHealthMonitor(pool, timeout=0.3)
        patient = ConnectionHealthMonitor(pool, timeout=10.0)
        await far.set_round_trip(0.1)
        assert (await patient.check())["response_time"] >= 0.1
        await far.silent()
        assert (await asyncio.wait_for(monitor.check(), 20))["reason"] == "no answer"
        # Now there is no connection, and none can be made.
        status = await asyncio.wait_for(monitor.check(), 20)
        assert status["reason"] == "unreachable", status
        await far.cut()
        await far.speak()
        await until(lambda: pool.get_pool_stats()["acquired_count"] == 0, "all are back")
        await until_healthy(patient)


async def test_a_killed_backend_makes_one_check_fail_at_most(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with open_pool(where, max_size=1) as pool:
        monitor = ConnectionHealthMonitor(pool)
        for _ in range(3):
            async with pool.acquire() as conn:
                pid = conn.get_server_pid()
            assert await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
            await monitor.check()
            assert (await monitor.check())["status"] == "healthy"
        assert await sessions(onlooker) <= 2


async def test_a_server_that_is_down_comes_back_as_a_standby_and_as_itself(own: OwnServer) -> None:
    async with open_pool(address_of(own.server), min_size=0) as pool:
        monitor = ConnectionHealthMonitor(pool)
        assert (await monitor.check())["status"] == "healthy"

        assert await own.stop()
        await monitor.check()  # It may still meet the old connection.
        status = await monitor.check()
        assert (status["status"], status["reason"]) == ("unhealthy", "unreachable")

        await own.start(as_standby=True)
        async with pool.acquire() as conn:
            assert await conn.fetchval("SELECT pg_is_in_recovery()")
        status = await monitor.check()
        assert (status["status"], status["reason"]) == ("unhealthy", "read only")
        for_reading = ConnectionHealthMonitor(pool, needs_writes=False)
        assert (await for_reading.check())["status"] == "healthy"

        await own.restart()
        await monitor.check()
        assert (await monitor.check())["status"] == "healthy"


async def test_a_server_that_lets_nobody_in_refuses_and_is_not_unreachable(
    own: OwnServer,
) -> None:
    where = address_of(own.server)
    wrong = {
        "InvalidPasswordError": {**where, "password": "wrong"},
        "InvalidCatalogNameError": {**where, "database": "no database of this name"},
    }
    for error, address in wrong.items():
        async with open_pool(address, min_size=0) as pool:
            status = await ConnectionHealthMonitor(pool).check()
        assert (status["status"], status["reason"]) == ("unhealthy", "refused"), status
        assert "The server is there and refused a connection." in status["error"]
        assert error in status["error"]
        assert status.keys() == TUTORIALS_KEYS | {"error", "reason"}


async def test_a_full_server_refuses_and_lets_in_again(own: OwnServer) -> None:
    taken: list[Any] = []
    async with open_pool(address_of(own.server), min_size=0) as pool:
        monitor = ConnectionHealthMonitor(pool, timeout=20)
        try:
            with pytest.raises(asyncpg.TooManyConnectionsError):
                while len(taken) < 30:
                    taken.append(await asyncpg.connect(**own.server.arguments()))
            status = await monitor.check()
        finally:
            for conn in taken:
                await conn.close(timeout=10)
        assert (status["status"], status["reason"]) == ("unhealthy", "refused"), status
        assert "TooManyConnectionsError" in status["error"]
        await until_healthy(monitor)


async def test_a_server_that_is_starting_refuses() -> None:
    """A server says so for moments only, so here a pool says it."""

    class Starting(DatabasePool):
        def acquire(self, *, timeout: float | None = None) -> Any:
            raise asyncpg.CannotConnectNowError("the database system is starting up")

    status = await ConnectionHealthMonitor(Starting()).check()
    assert (status["status"], status["reason"]) == ("unhealthy", "refused")
    assert status["error"].endswith("CannotConnectNowError: the database system is starting up")


async def test_any_other_error_is_no_refusal() -> None:
    class Failing(DatabasePool):
        def acquire(self, *, timeout: float | None = None) -> Any:
            raise asyncpg.InternalServerError("something else")

    status = await ConnectionHealthMonitor(Failing()).check()
    assert (status["status"], status["reason"]) == ("unhealthy", "error")


async def test_a_session_that_takes_no_writes_is_not_healthy(where: dict[str, Any]) -> None:
    read_only = {"default_transaction_read_only": "on"}
    async with open_pool(where, server_settings=read_only) as pool:
        async with pool.acquire() as conn:
            assert await conn.fetchval("SELECT 1") == 1
            with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
                await conn.execute("CREATE TABLE t ()")
        status = await ConnectionHealthMonitor(pool).check()
        assert (status["status"], status["reason"]) == ("unhealthy", "read only")


async def test_a_mistake_in_the_program_is_not_called_a_sick_database(
    where: dict[str, Any],
) -> None:
    class Broken(DatabasePool):
        def acquire(self, *, timeout: float | None = None) -> Any:
            raise AttributeError("a typing error")

    monitor = ConnectionHealthMonitor(Broken())
    with pytest.raises(AttributeError):
        await monitor.check()
    await monitor.start_monitoring()
    assert monitor.monitoring  # It goes on.
    status = monitor.get_health_status()
    assert (status["status"], status["reason"]) == ("unknown", "check failed")
    await monitor.stop_monitoring()


async def test_a_closed_pool_is_unhealthy(where: dict[str, Any]) -> None:
    async with open_pool(where) as pool:
        await pool.close()
        status = await ConnectionHealthMonitor(pool).check()
        assert status["status"] == "unhealthy" and "PoolClosed" in status["error"]


@pytest.mark.parametrize("options", [{"check_interval": 0}, {"timeout": -1}])
def test_times_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="above 0 s"):
        ConnectionHealthMonitor(DatabasePool(), **options)
