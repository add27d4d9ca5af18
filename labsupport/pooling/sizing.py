"""How many connections a pool needs, and how many the server can give.

`calculate_optimal_pool_size` is the quick answer. `plan_pool` is the full one: it knows how long a
request may wait and names the limit that binds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from .queueing import erlang_c, mean_wait, wait_percentile

__all__ = [
    "Limit",
    "PoolPlan",
    "ServerBudget",
    "Workload",
    "calculate_optimal_pool_size",
    "plan_pool",
]

Limit = Literal["target wait", "deadlock floor", "max_connections", "cores"]
"""What decides the size of a pool."""

LITTLE = "Little's law (Little 1961)"
ERLANG = "M/M/c, Erlang C (Erlang 1917)"
ALLEN_CUNNEEN = "M/M/c with Allen and Cunneen's factor (Allen 1990)"
HIKARI = "HikariCP wiki, About Pool Sizing"
POSTGRESQL = "PostgreSQL documentation"

ROUNDING = 1e-9
"""Takes back what floating point adds: 0.7 * 10 / 0.7 must not become 11 connections."""


@dataclass(frozen=True)
class Workload:
    """What the application asks for. Times are in seconds."""

    arrival_rate: float
    """Acquires per second, of all processes together."""
    hold_time: float
    """Mean time from acquire to release, reset included: not the query's time alone."""
    hold_cv2: float = 1.0
    """Squared coefficient of variation of the hold time: 0 always the same, 1 exponential."""
    arrival_cv2: float = 1.0
    """The same of the time between arrivals: 1 is arrival at random (Poisson)."""
    target_wait: float = 0.01
    """How long a request may wait for a connection."""
    percentile: float | None = None
    """The percentage of requests that meets the target, like 99; None means the mean does."""
    connections_per_task: int = 1
    """How many connections one task holds at the same time (Cm)."""
    tasks_at_once: int | None = None
    """How many tasks run at once in a process (Tn); needed with more than one connection each."""
    server_share: float = 1.0
    """Part of the hold time, up to 1, in which the server works; the rest is network and client."""

    def __post_init__(self) -> None:
        _positive("arrival_rate", self.arrival_rate, "acquires per second")
        _positive("hold_time", self.hold_time, "seconds")
        _positive("target_wait", self.target_wait, "seconds")
        _positive("server_share", self.server_share, "a part of 1")
        _whole("connections_per_task", self.connections_per_task, least=1)
        if self.server_share > 1:
            raise ValueError(f"server_share is {self.server_share!r}. It is a part, at most 1.")
        if self.tasks_at_once is not None:
            _whole("tasks_at_once", self.tasks_at_once, least=1)
        elif self.connections_per_task > 1:
            raise ValueError(
                "Tasks that hold more than one connection can lock each other out. Give "
                "tasks_at_once, the number of tasks that one process runs at the same time."
            )


@dataclass(frozen=True)
class ServerBudget:
    """What the server can give, and among how many processes it is shared."""

    max_connections: int = 100
    """The server's setting; PostgreSQL ships with 100."""
    reserved: int = 3
    """Connections that are not ours: `superuser_reserved_connections` (3) and other programs."""
    processes: int = 1
    """Processes with a pool each. Count old and new ones while a new version is rolled out."""
    cores: int = 2
    """The server's cores, without hyper-threads."""
    spindles: int = 0
    """Disks that seek at the same time; 0 when the data fits into memory."""
    backend_mib: float = 3.0
    """Memory of one idle backend in MiB: 1.5 to 2.6 measured on PostgreSQL 18, rounded up."""
    work_mem_mib: float = 4.0
    """The server's `work_mem` in MiB; PostgreSQL ships with 4."""

    def __post_init__(self) -> None:
        _whole("max_connections", self.max_connections, least=1)
        _whole("reserved", self.reserved, least=0)
        _whole("processes", self.processes, least=1)
        _whole("cores", self.cores, least=1)
        _whole("spindles", self.spindles, least=0)
        _positive("backend_mib", self.backend_mib, "MiB")
        _positive("work_mem_mib", self.work_mem_mib, "MiB")

    def per_process(self) -> int:
        """Return how many connections one process may open.

        (max_connections - reserved) / processes, rounded down. Raises `ValueError` when nothing is
        left for a process.
        """
        share = (self.max_connections - self.reserved) // self.processes
        if share < 1:
            raise ValueError(
                f"max_connections is {self.max_connections}; with {self.reserved} reserved, not "
                f"one connection is left for each of {self.processes} processes. Run fewer "
                "processes, or put a pooler such as PgBouncer before the server."
            )
        return share

    def busy_at_once(self) -> int:
        """Return how many connections the server can work for at once: cores * 2 + spindles.

        From the PostgreSQL wiki by way of HikariCP's About Pool Sizing: a place to start from.
        """
        return self.cores * 2 + self.spindles


@dataclass(frozen=True)
class PoolPlan:
    """The answer of `plan_pool`. Numbers of connections are for one process unless said."""

    size: int
    """The recommended `max_size`."""
    min_size: int
    """The recommended `min_size`: what is in use on average, rounded up."""
    binding: Limit
    """Which limit decided the size."""
    meets_target: bool
    """Whether the predicted wait is within the target."""
    needed: int | None
    """Smallest size that meets the target, or None when even the most allowed does not."""
    offered_load: float
    """Connections in use on average, in Erlang."""
    utilization: float
    """Offered load over size, from 0 to 1."""
    wait_probability: float
    """Part of the requests that find no free connection."""
    mean_wait: float
    """Predicted mean wait in seconds."""
    target_wait: float
    """The wait in seconds that was asked for."""
    predicted_wait: float
    """What is held against the target, in seconds: the mean, or the percentile asked for."""
    max_rate: float
    """Acquires per second, of all processes, at which the queue starts to grow without end."""
    budget: int
    """Most connections that `max_connections` allows."""
    core_ceiling: int
    """Most connections that the server's cores can work for."""
    deadlock_floor: int
    """Fewest connections with which nested acquires cannot lock each other out."""
    total_connections: int
    """Connections of all processes together."""
    memory_mib: float
    """Memory for them on the server in MiB, if each uses its `work_mem` once."""
    verdict: str
    """The limit that binds and what to do, in words."""

    def rows(self) -> list[dict[str, Any]]:
        """Return each number with its unit, formula and source, ready for a table."""
        return [
            {"name": name, "value": getattr(self, name), "unit": unit, "formula": how, "source": by}
            for name, unit, how, by in FORMULAS
        ]


FORMULAS = (
    ("offered_load", "Erlang", "a = rate / processes * hold", LITTLE),
    ("needed", "connections", "smallest c > a with predicted wait <= target", ERLANG),
    (
        "size",
        "connections",
        "min(max(needed, floor), cores, budget), at least the floor",
        "the limits below",
    ),
    ("min_size", "connections", "min(size, ceil(a))", LITTLE),
    ("utilization", "part of 1", "a / size", LITTLE),
    ("wait_probability", "part of 1", "C(size, a)", ERLANG),
    ("mean_wait", "s", "C / (size / hold - rate) * (ca2 + cs2) / 2", ALLEN_CUNNEEN),
    ("predicted_wait", "s", "mean_wait, or t with C exp(-t / d) = 1 - p", ALLEN_CUNNEEN),
    ("max_rate", "1/s", "size / hold * processes", LITTLE),
    ("budget", "connections", "(max_connections - reserved) / processes", POSTGRESQL),
    ("core_ceiling", "connections", "(cores * 2 + spindles) / server_share / processes", HIKARI),
    ("deadlock_floor", "connections", "Tn * (Cm - 1) + 1", HIKARI),
    ("total_connections", "connections", "size * processes", "by definition"),
    ("memory_mib", "MiB", "total * (backend + work_mem)", POSTGRESQL),
)
"""Name in `PoolPlan`, unit, formula and source of each number."""


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
    _whole("concurrent_requests", concurrent_requests, least=1)
    _positive("avg_query_time_ms", avg_query_time_ms, "milliseconds")
    _positive("target_response_time_ms", target_response_time_ms, "milliseconds")
    _positive("target_utilization", target_utilization, "a part of 1, like 0.8")
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
    floor = (workload.tasks_at_once or 1) * (workload.connections_per_task - 1) + 1
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
        verdict=_verdict(binding, predicted, workload.target_wait, size),
    )


def _binding(size: int, needed: int | None, budget: int, ceiling: int, floor: int) -> Limit:
    if needed is not None:
        return "deadlock floor" if needed < floor else "target wait"
    if size == budget:
        return "max_connections"
    return "deadlock floor" if floor > ceiling else "cores"


def _verdict(binding: Limit, predicted: float, target: float, size: int) -> str:
    waits = f"The predicted wait is {predicted * 1000:.3g} ms, the target {target * 1000:.3g} ms."
    match binding:
        case "target wait":
            return f"The target wait decides: {size} is the smallest pool that meets it. {waits}"
        case "deadlock floor":
            return (
                f"The deadlock floor decides: with fewer than {size}, tasks that hold several "
                f"connections can lock each other out. {waits} Holding one at a time needs less."
            )
        case "max_connections":
            return (
                f"max_connections decides: the server has no more than {size} for each process. "
                f"{waits} Hold connections for less time, or put PgBouncer before the server."
            )
        case "cores":
            return (
                f"The server's cores decide: more than {size} for each process would only wait "
                f"inside the server. {waits} Make the queries cheaper, add cores, or put PgBouncer "
                "before the server so that many processes share few connections."
            )


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


def _positive(name: str, value: float, unit: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError(f"{name} is {value!r}. Give a number above 0 ({unit}).")


def _whole(name: str, value: int, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} is {value!r}. Give a whole number, {least} or more.")
