"""How many connections a pool needs, and how many the server can give.

`calculate_optimal_pool_size` is the quick answer. `plan_pool` is the full one: it knows how long a
request may wait and names the limit that binds.
"""

from __future__ import annotations

import math

from .checks import positive, whole
from .plan import Limit, PoolPlan, verdict
from .queueing import erlang_c, mean_wait, wait_percentile
from .workload import ServerBudget, Workload

__all__ = [
    "Limit",
    "PoolPlan",
    "ServerBudget",
    "Workload",
    "calculate_optimal_pool_size",
    "plan_pool",
]

ROUNDING = 1e-9
"""Takes back what floating point adds: 0.7 * 10 / 0.7 must not become 11 connections."""


def calculate_optimal_pool_size(
    concurrent_requests: int,
    avg_query_time_ms: float,
    target_utilization: float = 0.8,
    *,
    target_response_time_ms: float = 1000.0,
    max_connections: int = 100,
    reserved: int = 3,
    processes: int = 1,
) -> tuple[int, int]:
    """Return (min_size, max_size) of the pool of one process.

    Little's law twice. `concurrent_requests` requests are under way in all processes together, and
    each is done in `target_response_time_ms`, so requests / response time arrive per second. Each
    holds a connection for `avg_query_time_ms`, so

        connections in use = concurrent_requests * avg_query_time / target_response_time

    and never more than there are requests. `max_size` is this over `target_utilization`, rounded
    up; `min_size` is a fifth of it, at least 1. Both stay within this process's share of the
    server, (max_connections - reserved) / processes.

    Raises `ValueError` for an impossible argument, and when the share is less than what is in use
    on average, so that requests would wait longer and longer.
    """
    whole("concurrent_requests", concurrent_requests, least=1)
    positive("avg_query_time_ms", avg_query_time_ms, "milliseconds")
    positive("target_response_time_ms", target_response_time_ms, "milliseconds")
    positive("target_utilization", target_utilization, "a part of 1, like 0.8")
    if target_utilization > 1:
        raise ValueError(
            f"target_utilization is {target_utilization!r}. It is a part, at most 1; 0.8 is usual."
        )
    share = ServerBudget(max_connections, reserved, processes).per_process()
    response_time = max(target_response_time_ms, avg_query_time_ms)
    in_use = concurrent_requests / processes * avg_query_time_ms / response_time
    if in_use >= share and concurrent_requests / processes > share:
        raise ValueError(
            f"{in_use:.4g} connections would be in use on average, and the server has {share} for "
            "each process. Hold connections for less time, raise target_response_time_ms, or "
            "share the work among more servers."
        )
    most = min(share, math.ceil(concurrent_requests / processes))
    max_size = min(max(1, math.ceil(in_use / target_utilization - ROUNDING)), most)
    return max(1, max_size // 5), max_size


def plan_pool(workload: Workload, server: ServerBudget | None = None) -> PoolPlan:
    """Plan the pool of each process: the smallest one that meets the target wait, within limits.

    The load is split evenly among the processes, and each pool is a queue of its own. The size is
    never above the share of `max_connections`, nor above what the cores can work for unless the
    deadlock floor is higher. `server` is PostgreSQL as shipped on two cores unless given.

    Raises `ValueError` when the load or the deadlock floor does not fit: the sentence says which
    limit stands in the way.
    """
    server = ServerBudget() if server is None else server
    load = workload.arrival_rate * workload.hold_time / server.processes
    budget = server.per_process()
    floor = int((workload.tasks_at_once or 1) * (workload.connections_per_task - 1) + 1)
    ceiling = max(1, int(server.busy_at_once() / workload.server_share) // server.processes)
    if floor > budget:
        raise ValueError(
            f"{workload.tasks_at_once} tasks that hold {workload.connections_per_task} connections "
            f"each can lock each other out unless the pool has {floor}, and the server allows "
            f"{budget}. Run fewer tasks at once, or hold one connection at a time."
        )
    most = min(budget, max(ceiling, floor))
    if load >= most:
        raise ValueError(_overload(load, most, limited_by_cores=most < budget))
    needed = _smallest(workload, server.processes, load, most)
    size = max(needed or most, floor)
    return _describe(workload, server, size, needed, (load, budget, ceiling, floor))


def _smallest(workload: Workload, processes: int, load: float, most: int) -> int | None:
    """The smallest size up to `most` that meets the target, or None."""
    for size in range(math.floor(load) + 1, most + 1):
        if _predicted_wait(workload, processes, size) <= workload.target_wait:
            return size
    return None


def _predicted_wait(workload: Workload, processes: int, size: int) -> float:
    """The mean, or the percentile that the workload asks for, in seconds."""
    rate = workload.arrival_rate / processes
    variation = (workload.hold_cv2, workload.arrival_cv2)
    if workload.percentile is None:
        return mean_wait(size, rate, workload.hold_time, *variation)
    return wait_percentile(workload.percentile, size, rate, workload.hold_time, *variation)


def _describe(
    workload: Workload,
    server: ServerBudget,
    size: int,
    needed: int | None,
    bounds: tuple[float, int, int, int],
) -> PoolPlan:
    load, budget, ceiling, floor = bounds
    binding = _binding(size, needed, budget, ceiling, floor)
    rate = workload.arrival_rate / server.processes
    predicted = _predicted_wait(workload, server.processes, size)
    total = size * server.processes
    return PoolPlan(
        size=size,
        min_size=min(size, max(1, math.ceil(load - ROUNDING))),
        binding=binding,
        meets_target=predicted <= workload.target_wait,
        needed=needed,
        offered_load=load,
        utilization=load / size,
        wait_probability=erlang_c(size, load),
        mean_wait=mean_wait(
            size, rate, workload.hold_time, workload.hold_cv2, workload.arrival_cv2
        ),
        target_wait=workload.target_wait,
        predicted_wait=predicted,
        max_rate=size / workload.hold_time * server.processes,
        budget=budget,
        core_ceiling=ceiling,
        deadlock_floor=floor,
        total_connections=total,
        memory_mib=total * (server.backend_mib + server.work_mem_mib),
        verdict=verdict(binding, predicted, workload.target_wait, size),
    )


def _binding(size: int, needed: int | None, budget: int, ceiling: int, floor: int) -> Limit:
    if needed is not None:
        return "deadlock floor" if needed < floor else "target wait"
    if size == budget:
        return "max_connections"
    return "deadlock floor" if floor > ceiling else "cores"


def _overload(load: float, most: int, limited_by_cores: bool) -> str:
    allows = (
        "its cores can work for {} at once. If a connection is also held while the server does "
        "nothing for it, say so with server_share"
        if limited_by_cores
        else "max_connections allows {}"
    )
    return (
        f"{load:.4g} connections of the server would be in use on average by each process, and "
        f"{allows.format(most)}. The queue would grow without end: hold connections for less time, "
        "send fewer requests, or use a larger server."
    )
