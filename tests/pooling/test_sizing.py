"""How many connections a pool needs: the quick answer and the plan."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labsupport.pooling.queueing import erlang_c, mean_wait, wait_percentile
from labsupport.pooling.sizing import (
    PoolPlan,
    ServerBudget,
    Workload,
    calculate_optimal_pool_size,
    plan_pool,
)

HUGE = ServerBudget(max_connections=100_000, cores=50_000)
"""A server on which nothing but the target decides."""

rates = st.floats(min_value=0.1, max_value=2000)
holds = st.floats(min_value=0.001, max_value=0.05)
targets = st.floats(min_value=0.0001, max_value=1)
variations = st.floats(min_value=0, max_value=4)
percentiles = st.sampled_from([None, 50.0, 95.0, 99.0])
workloads = st.builds(
    Workload,
    arrival_rate=rates,
    hold_time=holds,
    hold_cv2=variations,
    target_wait=targets,
    percentile=percentiles,
)


@pytest.mark.parametrize(
    ("requests", "milliseconds", "expected"),
    [
        (10, 50, (1, 1)),  # half a connection is in use
        (100, 50, (1, 7)),  # 5 / 0.8
        (1000, 20, (5, 25)),  # 20 / 0.8
        (10, 5000, (2, 10)),  # each request keeps one all the time
    ],
)
def test_the_quick_answer_follows_littles_law(
    requests: int, milliseconds: float, expected: tuple[int, int]
) -> None:
    assert calculate_optimal_pool_size(requests, milliseconds) == expected


def test_every_input_of_the_quick_answer_counts() -> None:
    usual: dict[str, Any] = {"concurrent_requests": 1000, "avg_query_time_ms": 20.0}
    answer = calculate_optimal_pool_size(**usual)
    for change in (
        {"concurrent_requests": 2000},
        {"avg_query_time_ms": 40.0},
        {"target_utilization": 0.5},
        {"target_response_time_ms": 500.0},
        {"max_connections": 27},
        {"reserved": 76},
        {"processes": 4},
    ):
        assert calculate_optimal_pool_size(**{**usual, **change}) != answer, change


def test_rounding_adds_no_connection() -> None:
    """60 * 0.07 / 0.6 is 7.000000000000001 to a computer."""
    assert calculate_optimal_pool_size(60, 70, 0.6)[1] == 7
    assert plan_pool(Workload(100, 0.07, server_share=0.1)).min_size == 7


@given(
    requests=st.integers(min_value=1, max_value=5000),
    milliseconds=st.floats(min_value=0.001, max_value=5000),
    utilization=st.floats(min_value=0.01, max_value=1),
    max_connections=st.integers(min_value=1, max_value=500),
    reserved=st.integers(min_value=0, max_value=20),
    processes=st.integers(min_value=1, max_value=40),
)
def test_the_quick_answer_stays_within_the_server(
    requests: int,
    milliseconds: float,
    utilization: float,
    max_connections: int,
    reserved: int,
    processes: int,
) -> None:
    try:
        least, most = calculate_optimal_pool_size(
            requests,
            milliseconds,
            utilization,
            max_connections=max_connections,
            reserved=reserved,
            processes=processes,
        )
    except ValueError as refusal:
        assert str(refusal).endswith(".")
    else:
        assert 1 <= least <= most
        assert most * processes <= max_connections - reserved


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: calculate_optimal_pool_size(0, 50), "concurrent_requests is 0"),
        (lambda: calculate_optimal_pool_size(2.5, 50), "concurrent_requests is 2.5"),  # type: ignore[arg-type]
        (lambda: calculate_optimal_pool_size(10, 0), "avg_query_time_ms is 0"),
        (lambda: calculate_optimal_pool_size(10, math.nan), "avg_query_time_ms is nan"),
        (lambda: calculate_optimal_pool_size(10, 50, 0), "target_utilization is 0"),
        (lambda: calculate_optimal_pool_size(10, 50, 2.0), "target_utilization is 2.0"),
        (lambda: calculate_optimal_pool_size(10, 50, processes=98), "not one connection is left"),
        (lambda: calculate_optimal_pool_size(1000, 2000), "has 97 for each process"),
        (lambda: calculate_optimal_pool_size(10_000, 20), "has 97 for each process"),
        (lambda: Workload(0, 0.1), "arrival_rate is 0"),
        (lambda: Workload(10, -0.1), "hold_time is -0.1"),
        (lambda: Workload(10, 0.1, target_wait=math.inf), "target_wait is inf"),
        (lambda: Workload(10, 0.1, server_share=1.5), "server_share is 1.5"),
        (lambda: Workload(10, 0.1, connections_per_task=2), "Give tasks_at_once"),
        (lambda: ServerBudget(cores=0), "cores is 0"),
        (lambda: plan_pool(Workload(10, 0.1, percentile=100)), "percentile is 100"),
        (lambda: plan_pool(Workload(10, 0.1, hold_cv2=-1)), "hold_cv2 is -1"),
        (lambda: Workload(10, 0.1, hold_cv2=-1), "hold_cv2 is -1"),
        (lambda: Workload(10, 0.1, hold_cv2="a"), "hold_cv2 is 'a'"),  # type: ignore[arg-type]
        (lambda: Workload(10, 0.1, arrival_cv2=math.nan), "arrival_cv2 is nan"),
        (lambda: Workload(10, 0.1, percentile="99"), "percentile is '99'"),  # type: ignore[arg-type]
        (lambda: Workload(10, 0.1, percentile=math.nan), "percentile is nan"),
        (lambda: Workload(True, 0.1), "arrival_rate is True"),
        (lambda: ServerBudget(cores=np.float64(2)), "cores is np.float64"),  # type: ignore[arg-type]
        (lambda: plan_pool(Workload(10, 0.1), ServerBudget(reserved=100)), "not one connection"),
        (lambda: plan_pool(Workload(100, 0.1)), "cores can work for 4"),
        (
            lambda: plan_pool(Workload(1000, 0.1), ServerBudget(cores=64)),
            "max_connections allows 97",
        ),
        (
            lambda: plan_pool(Workload(10, 0.1, connections_per_task=4, tasks_at_once=50)),
            "unless the pool has 151",
        ),
    ],
)
def test_impossible_input_is_refused_in_a_sentence(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        call()
    assert str(caught.value).endswith((".", ")."))


def test_numbers_of_numpy_are_numbers() -> None:
    eight: Any = np.float32(8)
    three: Any = np.int64(3)
    assert calculate_optimal_pool_size(three, eight) == calculate_optimal_pool_size(3, 8)
    assert erlang_c(three, np.float64(2)) == erlang_c(3, 2)
    workload = Workload(eight, np.float64(0.125), hold_cv2=three, percentile=np.int64(95))  # type: ignore[arg-type]
    workload = replace(workload, connections_per_task=three, tasks_at_once=three)
    plan = plan_pool(workload, ServerBudget(np.int64(50), reserved=three, processes=three))  # type: ignore[arg-type]
    same = Workload(8, 0.125, hold_cv2=3, percentile=95, connections_per_task=3, tasks_at_once=3)
    assert plan == plan_pool(same, ServerBudget(50, reserved=3, processes=3))
    assert isinstance(plan.size, int) and isinstance(plan.min_size, int)


@given(workload=workloads)
def test_the_plan_is_the_smallest_pool_that_meets_the_target(workload: Workload) -> None:
    plan = plan_pool(workload, HUGE)
    assert plan.meets_target
    assert plan.binding == "target wait"
    assert plan.predicted_wait <= workload.target_wait
    smaller = plan.size - 1
    if smaller > plan.offered_load:
        arguments = (smaller, workload.arrival_rate, workload.hold_time, workload.hold_cv2)
        wait = (
            mean_wait(*arguments)
            if workload.percentile is None
            else wait_percentile(workload.percentile, *arguments)
        )
        assert wait > workload.target_wait


@given(workload=workloads, factor=st.floats(min_value=1, max_value=3))
@pytest.mark.parametrize("field", ["arrival_rate", "hold_time", "hold_cv2", "arrival_cv2"])
def test_more_of_an_input_never_needs_fewer_connections(
    field: str, workload: Workload, factor: float
) -> None:
    more = replace(workload, **{field: getattr(workload, field) * factor})
    assert plan_pool(more, HUGE).size >= plan_pool(workload, HUGE).size


@given(workload=workloads, factor=st.floats(min_value=1, max_value=100))
def test_more_patience_never_needs_more_connections(workload: Workload, factor: float) -> None:
    patient = replace(workload, target_wait=workload.target_wait * factor)
    assert plan_pool(patient, HUGE).size <= plan_pool(workload, HUGE).size


@given(workload=workloads)
def test_a_stricter_percentile_never_needs_fewer_connections(workload: Workload) -> None:
    sizes = [
        plan_pool(replace(workload, percentile=percent), HUGE).size
        for percent in (50, 90, 99, 99.9)
    ]
    assert sizes == sorted(sizes)


@given(workload=workloads, processes=st.integers(min_value=2, max_value=16))
def test_many_small_pools_never_need_fewer_connections_than_one(
    workload: Workload, processes: int
) -> None:
    together = plan_pool(replace(workload, percentile=None), HUGE)
    apart = plan_pool(replace(workload, percentile=None), replace(HUGE, processes=processes))
    assert apart.total_connections >= together.total_connections


@given(
    workload=workloads,
    share=st.floats(min_value=0.05, max_value=1),
    tasks=st.integers(min_value=1, max_value=20),
    each=st.integers(min_value=1, max_value=4),
    server=st.builds(
        ServerBudget,
        max_connections=st.integers(min_value=4, max_value=500),
        processes=st.integers(min_value=1, max_value=20),
        cores=st.integers(min_value=1, max_value=64),
        spindles=st.integers(min_value=0, max_value=4),
    ),
)
def test_a_plan_never_exceeds_a_limit(
    workload: Workload, share: float, tasks: int, each: int, server: ServerBudget
) -> None:
    asked = replace(workload, server_share=share, connections_per_task=each, tasks_at_once=tasks)
    try:
        plan = plan_pool(asked, server)
    except ValueError:
        assume(False)
    assert plan.total_connections <= server.max_connections - server.reserved
    assert plan.deadlock_floor <= plan.size <= max(plan.core_ceiling, plan.deadlock_floor)
    assert plan.offered_load < plan.size
    assert 1 <= plan.min_size <= plan.size
    assert plan.meets_target == (plan.predicted_wait <= asked.target_wait)
    assert plan.meets_target == (plan.needed is not None)


WAITS = Workload(arrival_rate=101.3, hold_time=0.0407, target_wait=0.001, server_share=0.01)
"""Mostly sleeping: 4.12 connections in use, next to no work for the server."""


@pytest.mark.parametrize(
    ("workload", "server", "binding", "size"),
    [
        (WAITS, ServerBudget(), "target wait", 8),
        (WAITS, ServerBudget(max_connections=9), "max_connections", 6),
        (replace(WAITS, server_share=0.8), ServerBudget(), "cores", 5),
        (
            replace(WAITS, connections_per_task=3, tasks_at_once=10),
            ServerBudget(),
            "deadlock floor",
            21,
        ),
        (replace(WAITS, arrival_rate=1.0), ServerBudget(cores=1), "target wait", 2),
    ],
)
def test_the_plan_names_the_limit_that_binds(
    workload: Workload, server: ServerBudget, binding: str, size: int
) -> None:
    plan = plan_pool(workload, server)
    assert (plan.binding, plan.size) == (binding, size)
    first_word = "server's cores" if binding == "cores" else binding
    assert f"{first_word} decide" in plan.verdict.replace("The target", "target")


def test_the_deadlock_floor_is_the_published_one() -> None:
    """Three tasks with four connections each: the example of HikariCP's page on sizing."""
    workload = replace(WAITS, tasks_at_once=3, connections_per_task=4)
    assert plan_pool(workload).deadlock_floor == 10


def test_the_core_ceiling_is_the_published_one() -> None:
    """Four cores and one disk: about 9 or 10 connections, by HikariCP's page on sizing."""
    assert ServerBudget(cores=4, spindles=1).busy_at_once() == 9


def test_each_number_comes_with_its_formula_and_source() -> None:
    plan = plan_pool(WAITS)
    rows = plan.rows()
    assert all(row["formula"] and row["source"] and row["unit"] for row in rows)
    numbers = {
        name
        for name, value in vars(plan).items()
        if isinstance(value, int | float) and name not in ("meets_target", "target_wait")
    }
    assert {row["name"] for row in rows} == numbers
    assert [row["value"] for row in rows] == [getattr(plan, row["name"]) for row in rows]


def test_the_numbers_agree_with_their_formulas() -> None:
    plan: PoolPlan = plan_pool(WAITS, ServerBudget(processes=2, backend_mib=2, work_mem_mib=8))
    assert plan.offered_load == pytest.approx(101.3 / 2 * 0.0407)
    assert plan.utilization == pytest.approx(plan.offered_load / plan.size)
    assert plan.mean_wait == pytest.approx(mean_wait(plan.size, 101.3 / 2, 0.0407))
    assert plan.max_rate == pytest.approx(plan.size / 0.0407 * 2)
    assert plan.budget == 48
    assert plan.core_ceiling == 200
    assert plan.total_connections == plan.size * 2
    assert plan.memory_mib == plan.total_connections * 10
