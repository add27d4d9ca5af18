"""The performance monitor: it does not block, keeps plain rows, and advises rightly."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
import pytest

from labsupport.pooling import (
    AdvancedPoolManager,
    Alerts,
    Machine,
    PoolPerformanceMonitor,
    PoolTimeout,
    backend_memory,
    pool_rules,
    recommendations,
)
from labsupport.postgres import Server, distant
from tests.pooling.conftest import address_of
from tests.pooling.opening import until
from tests.pooling.test_lifecycle import managed

LOOKS = 12


async def longest_gap(work: Callable[[], Awaitable[Any]]) -> float:
    """The longest time in seconds for which the event loop did nothing else during `work`."""
    gaps: list[float] = []

    async def beat() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            gaps.append((now := time.perf_counter()) - last)
            last = now

    heart = asyncio.create_task(beat())
    await asyncio.sleep(0.01)
    await work()
    await asyncio.sleep(0.01)
    heart.cancel()
    return max(gaps)


async def test_collecting_does_not_hold_up_the_event_loop(where: dict[str, Any]) -> None:
    async def the_tutorials_way() -> None:
        psutil.cpu_percent(interval=0.5)

    async with managed(where) as manager:
        monitor = PoolPerformanceMonitor(manager)
        blocked = await longest_gap(the_tutorials_way)
        # The best of five: another process may stop this one for a moment.
        ours = min([await longest_gap(monitor.collect_metrics) for _ in range(5)])
        assert ours < blocked / 4


async def test_a_row_has_the_tutorials_keys_and_is_plain(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        monitor = PoolPerformanceMonitor(manager)
        row = await monitor.collect_metrics()
        assert row.keys() == {"timestamp", "pool_metrics", "system_metrics", "since_last"}
        assert row["system_metrics"].keys() >= {"cpu_percent", "memory_percent", "disk_io"}
        assert row["pool_metrics"]["pool_stats"]["size"] == 1
        assert json.loads(json.dumps(row)) == row
        assert row["since_last"] is None and monitor.metrics_history == []


async def test_a_row_says_what_has_happened_since_the_last(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        monitor = PoolPerformanceMonitor(manager, collection_interval=60)
        await monitor.start_monitoring()
        for query in ("SELECT pg_sleep(0.05)", "SELECT 1 / 0"):
            try:
                await manager.execute_with_retry(query)
            except Exception:
                await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        since = (await monitor.collect_metrics())["since_last"]
        assert (since["requests"], since["queries"], since["errors"]) == (2, 2, 1)
        assert since["error_rate"] == 0.5 and since["mean_use"] >= 0.025
        assert since["seconds"] >= 0.05
        await monitor.stop_monitoring()


async def test_the_history_is_bounded_and_the_newest_stay(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        monitor = PoolPerformanceMonitor(manager, collection_interval=0.0001)
        await monitor.start_monitoring()
        await until(lambda: len(monitor.metrics_history) == 100, "it is full", limit=20)
        oldest = monitor.metrics_history[0]
        await until(lambda: oldest not in monitor.metrics_history, "the oldest has gone")
        assert len(monitor.metrics_history) == 100
        await monitor.stop_monitoring()
        stamps = [row["timestamp"] for row in monitor.metrics_history]
        assert stamps == sorted(stamps)


async def test_start_returns_once_and_stop_ends_it(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        monitor = PoolPerformanceMonitor(manager)
        before = asyncio.all_tasks()
        await asyncio.wait_for(monitor.start_monitoring(), 20)
        await monitor.start_monitoring()
        assert len(monitor.metrics_history) == 1
        assert len(asyncio.all_tasks() - before) == 1
        await monitor.stop_monitoring()
        assert asyncio.all_tasks() == before and len(monitor.metrics_history) == 1


async def test_a_receiver_that_fails_does_not_end_the_collecting(where: dict[str, Any]) -> None:
    def fails(row: Any) -> None:
        raise RuntimeError("a broken receiver")

    async with managed(where) as manager:
        monitor = PoolPerformanceMonitor(manager, 0.01, on_metrics=fails)
        await monitor.start_monitoring()
        await until(lambda: len(monitor.metrics_history) >= 3, "it goes on")
        await monitor.stop_monitoring()


async def test_rows_are_flat(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        monitor = PoolPerformanceMonitor(manager, 0.01)
        await monitor.start_monitoring()
        async with manager.pool.acquire():
            await until(lambda: len(monitor.metrics_history) >= 3, "three rows")
        await monitor.stop_monitoring()
        rows = monitor.rows()
        assert len(rows) == len(monitor.metrics_history)
        assert all(not isinstance(value, dict | list) for row in rows for value in row.values())
        assert max(row["in_use"] for row in rows) == 1 and rows[0]["health"] == "healthy"


async def test_without_rows_there_is_no_report() -> None:
    assert PoolPerformanceMonitor(AdvancedPoolManager()).get_performance_report() == {}


async def test_a_pool_that_is_not_open_is_reported_without_error() -> None:
    monitor = PoolPerformanceMonitor(AdvancedPoolManager())
    await monitor.start_monitoring()
    report = monitor.get_performance_report()
    assert report["pool_performance"]["pool_utilization"] == 0
    assert about_the_pool(report) == []
    await monitor.stop_monitoring()


def about_the_pool(report: dict[str, Any]) -> list[str]:
    """The recommendations that are not about the machine, which is busy in a test."""
    return [text for text in report["recommendations"] if not text.startswith("High ")]


async def observed(
    manager: AdvancedPoolManager, clients: int, hold: float, pause: float, leak_after: float = 30
) -> dict[str, Any]:
    """The report on a pool that so many clients use for so long, with pauses between."""
    monitor = PoolPerformanceMonitor(manager, 0.03, leak_after=leak_after)

    async def client() -> None:
        while True:
            async with manager.pool.acquire() as conn:
                await conn.execute("SELECT 1")
                await asyncio.sleep(hold)
            await asyncio.sleep(pause)

    tasks = [asyncio.create_task(client()) for _ in range(clients)]
    try:
        await asyncio.sleep(0.1)
        await monitor.start_monitoring()
        await until(lambda: len(monitor.metrics_history) >= LOOKS, "enough rows", limit=20)
        return monitor.get_performance_report()
    finally:
        await monitor.stop_monitoring()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_idle_pool_is_advised_to_keep_fewer(where: dict[str, Any]) -> None:
    async with managed(where, pool_min_size=8, pool_max_size=8) as manager:
        report = await observed(manager, clients=1, hold=0.01, pause=0.02)
        pool = report["pool_performance"]
        # All are open and hardly one is used: open is not in use.
        assert pool["average_pool_size"] == 8 and pool["pool_utilization"] < 0.3
        (advice,) = about_the_pool(report)
        assert advice.startswith("Pool underutilized")


async def test_a_well_sized_pool_is_left_alone(where: dict[str, Any]) -> None:
    async with managed(where, pool_min_size=4, pool_max_size=8) as manager:
        report = await observed(manager, clients=4, hold=0.05, pause=0.01)
        assert 0.2 < report["pool_performance"]["pool_utilization"] < 0.7
        assert about_the_pool(report) == []


async def test_a_starved_pool_is_advised_to_grow(where: dict[str, Any]) -> None:
    async with managed(where, pool_min_size=2, pool_max_size=2) as manager:
        report = await observed(manager, clients=8, hold=0.05, pause=0.0)
        assert report["pool_performance"]["pool_utilization"] > 0.6
        assert report["pool_performance"]["mean_wait"] > 0.02
        (advice,) = about_the_pool(report)
        assert advice.startswith("Consider increasing max pool size")


async def test_a_pool_that_is_starved_between_two_looks_is_advised_to_grow(
    where: dict[str, Any],
) -> None:
    async with managed(where, pool_min_size=4, pool_max_size=4, acquire_timeout=0.1) as manager:

        async def request() -> None:
            async with manager.pool.acquire() as conn:
                await conn.execute("SELECT pg_sleep(0.3)")

        monitor = PoolPerformanceMonitor(manager, collection_interval=3600)
        for _ in range(2):
            await monitor.start_monitoring()  # The first look comes at once.
            await monitor.stop_monitoring()
            results = await asyncio.gather(*(request() for _ in range(20)), return_exceptions=True)
            assert sum(isinstance(result, PoolTimeout) for result in results) >= 8
        await monitor.start_monitoring()
        await monitor.stop_monitoring()
        report = monitor.get_performance_report()
        assert report["pool_performance"]["peak_in_use"] == 0  # No look saw a burst.
        assert report["pool_performance"]["timeouts"] >= 16
        (advice,) = about_the_pool(report)
        assert advice.startswith("Consider increasing max pool size")


async def test_a_pool_whose_server_was_out_of_reach_is_not_advised_to_grow(
    server: Server,
) -> None:
    async with (
        distant(server, round_trip=0) as far,
        managed(
            address_of(far.server), pool_min_size=2, pool_max_size=2, connect_timeout=0.3
        ) as manager,
    ):
        await manager.health_monitor.stop_monitoring()
        monitor = PoolPerformanceMonitor(manager, 60)
        await monitor.start_monitoring()
        await monitor.stop_monitoring()
        await far.cut()
        await far.silent()
        await until(lambda: manager.pool.get_pool_stats()["size"] == 0, "all are lost")
        with pytest.raises(PoolTimeout):
            await manager.pool.acquire()
        await monitor.start_monitoring()
        await monitor.stop_monitoring()
        report = monitor.get_performance_report()
        await far.cut()
        await far.speak()
    assert report["pool_performance"]["timeouts"] == 1
    assert report["pool_performance"]["average_pool_size"] == 1  # Two, and none.
    assert about_the_pool(report) == []


async def test_a_leaking_pool_is_not_advised_to_grow(where: dict[str, Any]) -> None:
    async with managed(where, pool_min_size=2, pool_max_size=2) as manager:
        leaked = await manager.pool.acquire()
        await asyncio.sleep(0.5)
        report = await observed(manager, clients=4, hold=0.005, pause=0.0, leak_after=0.5)
        assert report["pool_performance"]["held_too_long"] == 1
        assert report["pool_performance"]["share_of_rows_with_waiters"] > 0.5  # It is starved too.
        (advice,) = about_the_pool(report)
        assert "not give them back" in advice and "1 connection" in advice
        await manager.pool.release(leaked)


async def test_alerts_fire_and_clear_with_a_real_pool(where: dict[str, Any]) -> None:
    said: list[str] = []
    alerts = Alerts(pool_rules(waiters=1), lambda alert: said.append(str(alert)))
    async with managed(where, pool_min_size=1, pool_max_size=1) as manager:
        await manager.health_monitor.stop_monitoring()
        monitor = PoolPerformanceMonitor(manager, 0.02, on_metrics=alerts.look)
        await monitor.start_monitoring()
        async with manager.pool.acquire():
            waiting = [asyncio.create_task(manager.execute_with_retry("SELECT 1")) for _ in "ab"]
            await until(lambda: "requests waiting" in alerts.firing(), "the alert")
        await asyncio.gather(*waiting)
        await until(lambda: alerts.firing() == [], "the alert is over")
        await monitor.stop_monitoring()
    about_waiting = [text for text in said if text.startswith("requests waiting")]
    assert about_waiting == [
        "requests waiting: 2 is above 1.",
        "requests waiting is over: 0 is not above 0.5.",
    ]


CALM = {"average_cpu_percent": 10.0, "average_memory_percent": None}


def at_rest(**changes: Any) -> dict[str, Any]:
    """The `pool_performance` of a pool of 4 that nobody used, with the changes."""
    pool = {"held_too_long": 0, "peak_in_use": 0, "max_size": 4, "min_size": 4}
    waits = {
        "timeouts": 0,
        "size_at_timeouts": 4,
        "share_of_rows_with_waiters": 0.0,
        "mean_wait": 0.0,
        "mean_use": 0.0,
    }
    return {**pool, **waits, **changes}


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({}, ["Pool underutilized"]),
        ({"mean_wait": 0.3, "mean_use": 0.1}, []),  # Long waits, and no look saw a connection used.
        ({"timeouts": 9}, ["Consider increasing max pool size"]),
        (
            {"timeouts": 9, "size_at_timeouts": 0},
            [],
        ),  # The server was not reached: no size would help.
        (
            {"timeouts": 9, "size_at_timeouts": 0, "max_size": 0, "min_size": 0},
            [],
        ),  # The pool is closed.
        ({"timeouts": 9, "held_too_long": 1}, ["1 connections are held for very long"]),
    ],
)
def test_advice_is_right_also_when_no_look_saw_the_trouble(
    changes: dict[str, Any], advice: list[str]
) -> None:
    given = recommendations(at_rest(**changes), CALM)
    assert [text.split(":")[0].split(" - ")[0] for text in given] == advice


async def test_dead_connections_that_are_still_held_do_not_fill_a_pool_twice(
    where: dict[str, Any], onlooker: Any
) -> None:
    async with managed(where, pool_min_size=0, pool_max_size=2) as manager:
        await manager.health_monitor.stop_monitoring()
        held = [await manager.pool.acquire() for _ in range(2)]
        for conn in held:
            await onlooker.fetchval("SELECT pg_terminate_backend($1, 5000)", conn.get_server_pid())
        await until(lambda: manager.pool.get_pool_stats()["size"] == 0, "the pool saw them end")
        held += [await manager.pool.acquire() for _ in range(2)]
        monitor = PoolPerformanceMonitor(manager)
        await monitor.start_monitoring()
        await monitor.stop_monitoring()
        assert monitor.get_performance_report()["pool_performance"]["pool_utilization"] == 1
        for conn in held:
            await manager.pool.release(conn)


def test_a_busy_machine_is_named() -> None:
    pool = at_rest(peak_in_use=3)
    assert recommendations(pool, CALM) == []
    busy = {"average_cpu_percent": 81.0, "average_memory_percent": 86.0}
    assert [text.split(" - ")[0] for text in recommendations(pool, busy)] == [
        "High CPU usage",
        "High memory usage",
    ]


def test_the_cpu_is_read_over_the_time_between_two_readings() -> None:
    machine = Machine()
    assert machine.read()["cpu_percent"] is None  # Too short ago to say.
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    assert machine.read()["cpu_percent"] > 0


@pytest.mark.same_machine
async def test_a_backends_memory_leaves_out_what_all_share(where: dict[str, Any]) -> None:
    async with managed(where) as manager:
        async with manager.pool.acquire() as conn:
            await conn.fetch("SELECT count(*) FROM generate_series(1, 100000) AS n")
        pids = manager.local_backend_pids()
        seen = backend_memory(pids)
        monitor = PoolPerformanceMonitor(manager)
        row = await monitor.collect_metrics()
    # The process of this test and a process that is not there are no backends.
    assert backend_memory([os.getpid(), 2**22 + 1]) is None
    assert (row["system_metrics"]["backend_memory"] is None) == (seen is None)
    if seen is not None:  # Not every platform lets one user read another's.
        assert seen["backends"] == len(pids) == 1
        assert seen["uss_bytes"] is not None and seen["uss_bytes"] > 0
        assert seen["pss_bytes"] is None or seen["pss_bytes"] >= seen["uss_bytes"]


async def test_a_server_elsewhere_is_not_mistaken_for_processes_here(where: dict[str, Any]) -> None:
    # A name that leads here, but not one of those that always do.
    async with managed({**where, "host": "LOCALHOST"}) as manager:
        assert manager.local_backend_pids() == []
        row = await PoolPerformanceMonitor(manager).collect_metrics()
        assert row["system_metrics"]["backend_memory"] is None


@pytest.mark.parametrize("options", [{"collection_interval": 0}, {"leak_after": -1}])
def test_times_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="above 0 s"):
        PoolPerformanceMonitor(AdvancedPoolManager(), **options)
