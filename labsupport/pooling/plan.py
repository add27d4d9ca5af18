"""The answer of `plan_pool`: numbers, where each comes from, and a sentence on what decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Limit", "PoolPlan", "verdict"]

Limit = Literal["target wait", "deadlock floor", "max_connections", "cores"]
"""What decides the size of a pool."""

LITTLE = "Little's law (Little 1961)"
ERLANG = "M/M/c, Erlang C (Erlang 1917)"
ALLEN_CUNNEEN = "M/M/c with Allen and Cunneen's factor (Allen 1990)"
HIKARI = "HikariCP wiki, About Pool Sizing"
POSTGRESQL = "PostgreSQL documentation"


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


def verdict(binding: Limit, predicted: float, target: float, size: int) -> str:
    """Say which limit decided the size and what to do; the waits are in seconds."""
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
