"""The numbers of a pool: as the tutorial's dictionary and as words for an error's text."""

from __future__ import annotations

from typing import Any

import asyncpg

from .durations import PoolTimes

__all__ = ["in_words", "places_taken", "pool_stats"]


def pool_stats(
    pool: asyncpg.Pool | None, lent: int, waiting: int, timeouts: int, times: PoolTimes
) -> dict[str, Any]:
    """Return what `DatabasePool.get_pool_stats` promises, from asyncpg's public getters.

    Sizes are numbers of connections and 0 without a pool; the times are `DurationSummary`.
    asyncpg's sizes leave out a broken connection that its borrower still holds, and `lent`
    leaves out one that is being cleaned after its release; in use are both, `max_size` at most.
    """
    size, idle = (pool.get_size(), pool.get_idle_size()) if pool else (0, 0)
    max_size = pool.get_max_size() if pool else 0
    return {
        "min_size": pool.get_min_size() if pool else 0,
        "max_size": max_size,
        "size": size,
        "acquired_count": min(max_size, max(lent, size - idle)),
        "queue_size": waiting,
        "idle_count": idle,
        "timeouts": timeouts,
        "wait_time": times.wait.summary(),
        "use_time": times.use.summary(),
        "create_time": times.create.summary(),
    }


def places_taken(stats: dict[str, Any]) -> int:
    """How many of the pool's `max_size` places are taken, by a pool's `stats`.

    Not the same as `acquired_count`: a broken connection that its borrower still holds takes no
    place, for asyncpg lends a new one in its stead.
    """
    return int(stats["size"] - stats["idle_count"])


def in_words(stats: dict[str, Any]) -> str:
    """Say in one line why a request might not get a connection."""
    return (
        f"size {stats['size']} of at most {stats['max_size']}, idle {stats['idle_count']}, "
        f"in use {stats['acquired_count']}, waiting {stats['queue_size']}"
    )
