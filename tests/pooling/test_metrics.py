"""Metrics: OpenTelemetry's names, readable by a Prometheus client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from labsupport.pooling import DatabasePool, PoolTimeout, pool_metrics, prometheus_text
from labsupport.pooling.durations import DurationSummary
from tests.pooling.opening import open_pool, until
from tests.pooling.test_pool import take_and_return

PREFIX = "db_client_connection_"
POOL = PREFIX + "pool_name"


def read(text: str) -> dict[tuple[str, str, str], float]:
    """Let Prometheus' own parser read it: value by sample, state and bucket."""
    return {
        (s.name, s.labels.get(PREFIX + "state", ""), s.labels.get("le", "")): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


async def test_a_prometheus_client_reads_what_the_pool_does(where: dict[str, Any]) -> None:
    async with open_pool(where, min_size=1, max_size=3) as pool:
        one, _two = await pool.acquire(), await pool.acquire()
        await pool.release(one)
        async with pool.acquire(), pool.acquire():
            waiting = asyncio.create_task(take_and_return(pool))
            await until(lambda: pool.get_pool_stats()["queue_size"] == 1, "one waits")
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0)
            during = read(prometheus_text(pool_metrics(pool)))
        await waiting
        after = read(prometheus_text(pool_metrics(pool)))
        await pool.close(timeout=0)
    assert during[PREFIX + "count", "used", ""] == 3
    assert during[PREFIX + "count", "idle", ""] == 0
    assert during[PREFIX + "pending_requests", "", ""] == 1
    assert during[PREFIX + "timeouts_total", "", ""] == 1
    assert during[PREFIX + "max", "", ""] == 3
    assert during[PREFIX + "idle_min", "", ""] == 1
    assert after[PREFIX + "count", "used", ""] == 1
    assert after[PREFIX + "count", "idle", ""] == 2
    assert after[PREFIX + "create_time_seconds_count", "", ""] == 3
    assert after[PREFIX + "wait_time_seconds_count", "", ""] == 5
    assert after[PREFIX + "use_time_seconds_count", "", ""] == 4
    assert after[PREFIX + "use_time_seconds_sum", "", ""] > 0


async def test_buckets_count_all_durations_up_to_their_bound() -> None:
    pool = DatabasePool()
    for seconds in (0.001, 0.002, 0.02, 0.02, 7.0, 99.0):
        pool.times.wait.record(seconds)
    samples = read(prometheus_text(pool_metrics(pool)))
    buckets = {
        bound: value
        for (name, _, bound), value in samples.items()
        if name == PREFIX + "wait_time_seconds_bucket"
    }
    assert buckets == {
        "0.001": 1, "0.005": 2, "0.01": 2, "0.05": 4, "0.1": 4, "0.5": 4, "1.0": 4, "5.0": 4,
        "10.0": 5, "+Inf": 6,
    }  # fmt: skip
    assert samples[PREFIX + "wait_time_seconds_sum", "", ""] == pytest.approx(106.043)


def test_families_have_the_right_types_and_pools_are_told_apart() -> None:
    name = 'a "quoted" \\ name\nin two lines'
    families = list(
        text_string_to_metric_families(prometheus_text(pool_metrics(DatabasePool(), name)))
    )
    assert {family.name.removeprefix(PREFIX): family.type for family in families} == {
        "count": "gauge",
        "max": "gauge",
        "idle_min": "gauge",
        "pending_requests": "gauge",
        "timeouts": "counter",
        "create_time_seconds": "histogram",
        "wait_time_seconds": "histogram",
        "use_time_seconds": "histogram",
    }
    assert {s.labels[POOL] for family in families for s in family.samples} == {name}


def test_metrics_carry_opentelemetrys_names_and_units() -> None:
    pool = DatabasePool()
    pool.times.create.record(0.25)
    metrics = {metric.name: metric for metric in pool_metrics(pool)}
    assert {name: metric.unit for name, metric in metrics.items()} == {
        "db.client.connection.count": "{connection}",
        "db.client.connection.max": "{connection}",
        "db.client.connection.idle.min": "{connection}",
        "db.client.connection.pending_requests": "{request}",
        "db.client.connection.timeouts": "{timeout}",
        "db.client.connection.create_time": "s",
        "db.client.connection.wait_time": "s",
        "db.client.connection.use_time": "s",
    }
    states = [attributes for attributes, _ in metrics["db.client.connection.count"].points]
    assert [state["db.client.connection.state"] for state in states] == ["idle", "used"]
    [(_, created)] = metrics["db.client.connection.create_time"].points
    assert isinstance(created, DurationSummary)
    assert (created.count, created.total, created.longest) == (1, 0.25, 0.25)
