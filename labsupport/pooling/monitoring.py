"""A pool's numbers over time, with the machine's beside them, and what they advise."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from itertools import pairwise
from typing import Any

from .lifecycle import AdvancedPoolManager
from .machine import Machine, backend_memory
from .repeating import Repeater

__all__ = ["PoolPerformanceMonitor", "recommendations"]

KEPT = 100  # rows of history
REPORTED = 10  # rows that a report looks at

Row = dict[str, Any]


class PoolPerformanceMonitor:
    """Collects a row of numbers every `collection_interval` seconds and reports on the last ten.

        monitor = PoolPerformanceMonitor(manager, collection_interval=5)
        await monitor.start_monitoring()
        print(monitor.get_performance_report())

    `metrics_history` holds the last 100 rows: dictionaries of plain values, ready for JSON. A
    connection that is held for longer than `leak_after` seconds counts as a leak. `on_metrics` is
    called with each new row of the background task, such as `Alerts.look`.
    Raises ValueError for times that are not above zero.
    """

    def __init__(
        self,
        pool_manager: AdvancedPoolManager,
        collection_interval: float = 60,
        *,
        leak_after: float = 30.0,
        on_metrics: Callable[[Row], object] | None = None,
    ) -> None:
        if min(collection_interval, leak_after) <= 0:
            raise ValueError("collection_interval and leak_after are above 0 s.")
        self.pool_manager = pool_manager
        self.collection_interval = collection_interval
        self.leak_after = leak_after
        self.metrics_history: list[Row] = []
        self._on_metrics = on_metrics
        self._machine = Machine()
        self._repeater = Repeater("pool performance", self._collect, self._pause)

    async def start_monitoring(self) -> None:
        """Start collecting and return after the first row. A second start changes nothing.

        Raises WrongEventLoop when it was started in another event loop.
        """
        await self._repeater.start()

    async def stop_monitoring(self) -> None:
        """Stop at once. The history stays.

        Raises WrongEventLoop, and goes on, when it was started in another event loop.
        """
        await self._repeater.stop()

    async def collect_metrics(self) -> Row:
        """Return the numbers of this moment; the event loop goes on meanwhile.

        `timestamp` in seconds since 1970; `pool_metrics` as `get_pool_metrics` gives them;
        `system_metrics` of this machine, with `backend_memory` (None unless the server runs here
        and its processes may be read); `since_last`: what has happened since the newest row of
        the history, None when there is none.
        """
        pool_metrics = _plain(await self.pool_manager.get_pool_metrics())
        pids = self.pool_manager.local_backend_pids()
        row: Row = {
            "timestamp": time.time(),
            "pool_metrics": pool_metrics,
            "system_metrics": {
                **self._machine.read(),
                "backend_memory": await asyncio.to_thread(backend_memory, pids),
            },
        }
        last = self.metrics_history[-1] if self.metrics_history else None
        return {**row, "since_last": None if last is None else _between(last, row)}

    async def _collect(self) -> None:
        row = await self.collect_metrics()
        self.metrics_history.append(row)
        del self.metrics_history[:-KEPT]
        if self._on_metrics is not None:
            self._on_metrics(row)

    def _pause(self) -> float:
        return self.collection_interval

    def rows(self) -> list[dict[str, Any]]:
        """Return the history for a table or a plot: one flat dictionary for each row."""
        return [_flat(row) for row in self.metrics_history]

    def get_performance_report(self) -> dict[str, Any]:
        """Return averages over the last ten rows and what they advise; empty without rows.

        `pool_utilization` is the mean of connections in use over `max_size`, 0 to 1: open
        connections that nobody uses do not count. Times are in seconds.
        """
        recent = self.metrics_history[-REPORTED:]
        if not recent:
            return {}
        pool = _pool_performance(recent, self.leak_after)
        system = {
            "average_cpu_percent": _mean(row["system_metrics"]["cpu_percent"] for row in recent),
            "average_memory_percent": _mean(
                row["system_metrics"]["memory_percent"] for row in recent
            ),
        }
        return {
            "time_range": f"{len(recent)} measurements",
            "pool_performance": pool,
            "system_performance": system,
            "recommendations": recommendations(pool, system),
        }


def recommendations(pool: Mapping[str, Any], system: Mapping[str, Any]) -> list[str]:
    """Return advice for the `pool_performance` and `system_performance` of a report.

    A leak comes first and alone, because a larger pool only leaks for longer. A pool is starved
    when requests waited while every connection was in use, or gave up and left all connections
    open; and too large when nobody waited and never more than half of the connections that it
    keeps open were in use.
    """
    advice = []
    waits = _waits_matter(pool)
    # A burst between two looks is seen by none of them, but it leaves all connections open. When
    # the server was out of reach instead, requests gave up while few or none were open.
    used_at_once = pool["size_at_timeouts"] if pool["timeouts"] else pool["peak_in_use"]
    if pool["held_too_long"]:
        advice.append(
            f"{pool['held_too_long']} connections are held for very long: look for code that does "
            "not give them back (LeakWatch says where) before you change the pool's size."
        )
    elif used_at_once >= pool["max_size"] > 0 and waits:
        advice.append(
            "Consider increasing max pool size: requests wait while every connection is in use. "
            "Holding connections for less time helps as well; plan_pool says which size is enough."
        )
    elif pool["min_size"] > 1 and pool["peak_in_use"] <= pool["min_size"] / 2 and not waits:
        advice.append(
            "Pool underutilized - consider reducing min pool size: at most "
            f"{pool['peak_in_use']} of {pool['min_size']} connections kept open were in use."
        )
    if (system["average_cpu_percent"] or 0) > 80:
        advice.append("High CPU usage - consider optimizing queries or scaling")
    if (system["average_memory_percent"] or 0) > 85:
        advice.append("High memory usage - monitor for memory leaks")
    return advice


def _waits_matter(pool: Mapping[str, Any]) -> bool:
    """Whether requests gave up, queued at half of the looks, or waited half as long as they ran."""
    often = pool["share_of_rows_with_waiters"] >= 0.5
    return bool(pool["timeouts"] or often or pool["mean_wait"] > pool["mean_use"] / 2 > 0)


def _pool_performance(recent: Sequence[Row], leak_after: float) -> dict[str, Any]:
    """The pool's part of a report."""
    stats = [row["pool_metrics"]["pool_stats"] for row in recent]
    newest, period = stats[-1], _between(recent[0], recent[-1])
    in_use = [s["acquired_count"] for s in stats]
    held = recent[-1]["pool_metrics"]["held_seconds"]
    return {
        "average_pool_size": _mean(s["size"] for s in stats),
        "size_at_timeouts": max(
            (now["size"] for last, now in pairwise(stats) if now["timeouts"] > last["timeouts"]),
            default=0,
        ),
        "pool_utilization": _mean(s["acquired_count"] / max(s["max_size"], 1) for s in stats),
        "average_in_use": _mean(in_use),
        "peak_in_use": max(in_use),
        "min_size": newest["min_size"],
        "max_size": newest["max_size"],
        "share_of_rows_with_waiters": _mean(s["queue_size"] > 0 for s in stats),
        "held_too_long": sum(seconds > leak_after for seconds in held),
        **{name: period[name] for name in ("requests", "timeouts", "mean_wait", "mean_use")},
        "error_rate": period["error_rate"],
    }


def _between(before: Row, after: Row) -> dict[str, Any]:
    """What has happened from one row to another; `seconds` apart. Means are 0 without requests."""
    old, new = before["pool_metrics"], after["pool_metrics"]
    waits, uses = (_duration_between(old, new, name) for name in ("wait_time", "use_time"))
    queries = max(0, new["query_counter"] - old["query_counter"])
    errors = max(0, new["error_counter"] - old["error_counter"])
    return {
        "seconds": after["timestamp"] - before["timestamp"],
        "requests": waits[0],
        "mean_wait": waits[1] / max(waits[0], 1),
        "mean_use": uses[1] / max(uses[0], 1),
        "timeouts": max(0, new["pool_stats"]["timeouts"] - old["pool_stats"]["timeouts"]),
        "queries": queries,
        "errors": errors,
        "error_rate": errors / max(queries, 1),
    }


def _duration_between(old: Row, new: Row, name: str) -> tuple[int, float]:
    """Count and sum of the durations between two rows; a pool opened anew has begun again at 0."""
    was, is_now = old["pool_stats"][name], new["pool_stats"][name]
    return max(0, is_now["count"] - was["count"]), max(0.0, is_now["total"] - was["total"])


def _flat(row: Row) -> dict[str, Any]:
    stats, system = row["pool_metrics"]["pool_stats"], row["system_metrics"]
    memory, since = system["backend_memory"] or {}, row["since_last"] or {}
    return {
        "time": row["timestamp"],
        "size": stats["size"],
        "in_use": stats["acquired_count"],
        "idle": stats["idle_count"],
        "waiting": stats["queue_size"],
        **{name: since.get(name) for name in ("requests", "mean_wait", "mean_use", "error_rate")},
        "health": row["pool_metrics"]["health_stats"]["status"],
        "cpu_percent": system["cpu_percent"],
        "memory_percent": system["memory_percent"],
        "backend_uss_bytes": memory.get("uss_bytes"),
    }


def _plain(value: Any) -> Any:
    """The same with dataclasses as dictionaries, so that JSON can carry it."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def _mean(values: Any) -> float | None:
    """The mean of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
