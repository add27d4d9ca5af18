"""Three sets of values for a pool, and the check that they fit the server."""

from __future__ import annotations

from collections.abc import Mapping

from .workload import ServerBudget

__all__ = ["PROFILES", "check_share"]

PROFILES: Mapping[str, Mapping[str, int]] = {
    "development": {
        "pool_min_size": 2,
        "pool_max_size": 10,
        "pool_max_queries": 1_000,
        "command_timeout": 60,
    },
    "production": {
        "pool_min_size": 10,
        "pool_max_size": 100,
        "pool_max_queries": 50_000,
        "pool_max_inactive_lifetime": 600,
        "command_timeout": 30,
    },
    "high traffic": {
        "pool_min_size": 50,
        "pool_max_size": 200,
        "pool_max_queries": 100_000,
        "pool_max_inactive_lifetime": 300,
        "command_timeout": 15,
    },
}
"""The tutorial's numbers: fields of `DatabaseSettings`, times in seconds."""


def check_share(max_size: int, server: ServerBudget) -> None:
    """Raise ValueError when a pool of this size in each process is more than the server has."""
    share = server.per_process()
    if max_size > share:
        raise ValueError(
            f"pool_max_size is {max_size}, and a server with max_connections "
            f"{server.max_connections}, {server.reserved} of them reserved, has {share} for "
            f"each of {server.processes} processes. Choose {share} or less."
        )
