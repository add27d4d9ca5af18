"""Alerts: rules over a pool's metrics that fire and clear, each once, and not on every flicker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Alert", "AlertRule", "Alerts", "pool_rules"]

logger = logging.getLogger(__name__)

Metrics = Mapping[str, Any]


@dataclass(frozen=True)
class AlertRule:
    """When to raise an alarm about one number, and when to call it off.

    It fires when the number has been above `fires_above` for `for_seconds`, and clears when it
    has been at or below `clears_at` for as long. Between the two bounds nothing changes: a number
    that swings about one bound does not ring again and again.
    Raises ValueError when `clears_at` is above `fires_above` or `for_seconds` below zero.
    """

    name: str
    value: Callable[[Metrics, float], float | None]
    """Gives the number from the metrics and the time now; None when it is not known."""
    fires_above: float
    clears_at: float
    for_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not self.clears_at <= self.fires_above:
            raise ValueError(
                f"{self.name} would clear at {self.clears_at!r}, above {self.fires_above!r} where "
                "it fires. Choose a bound to clear that is the lower one."
            )
        if self.for_seconds < 0:
            raise ValueError(f"for_seconds is 0 or more, not {self.for_seconds!r}.")


@dataclass(frozen=True)
class Alert:
    """A rule has fired or cleared. Printing it gives a sentence."""

    rule: AlertRule
    firing: bool
    """True when it fired now, False when it cleared."""
    value: float
    at: float
    """When, by the clock of `Alerts`."""

    def __str__(self) -> str:
        if self.firing:
            return f"{self.rule.name}: {self.value:.4g} is above {self.rule.fires_above:g}."
        return f"{self.rule.name} is over: {self.value:.4g} is not above {self.rule.clears_at:g}."


class Alerts:
    """Holds rules against metrics and tells `callback` of each change.

        alerts = Alerts(pool_rules(), print)
        monitor = PoolPerformanceMonitor(manager, on_metrics=alerts.look)

    It does nothing by itself: `look` is called with each new row. To learn of a monitor that
    stands still, call `look` from elsewhere too, with the newest row there is. `clock` gives
    seconds and must be the one that the metrics' timestamps are of.
    """

    def __init__(
        self,
        rules: Sequence[AlertRule],
        callback: Callable[[Alert], object],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rules = tuple(rules)
        if len({rule.name for rule in self.rules}) < len(self.rules):
            raise ValueError("Two rules have the same name. Give each its own.")
        self._callback = callback
        self._clock = clock
        self._firing: set[str] = set()
        self._contrary_since: dict[str, float] = {}

    def firing(self) -> list[str]:
        """Return the names of the rules that fire now, in the order of the rules."""
        return [rule.name for rule in self.rules if rule.name in self._firing]

    def look(self, metrics: Metrics) -> list[Alert]:
        """Apply all rules to these metrics; return what has changed, after telling `callback`.

        An exception of the callback is logged: an alarm that cannot be sent must not end the
        monitoring.
        """
        now = self._clock()
        changes = [alert for rule in self.rules if (alert := self._apply(rule, metrics, now))]
        for alert in changes:
            try:
                self._callback(alert)
            except Exception:
                logger.exception("The receiver of alerts failed: %s", alert)
        return changes

    def _apply(self, rule: AlertRule, metrics: Metrics, now: float) -> Alert | None:
        value = rule.value(metrics, now)
        if value is None:
            return None
        fires = rule.name in self._firing
        wanted = value > (rule.clears_at if fires else rule.fires_above)
        if wanted == fires:
            self._contrary_since.pop(rule.name, None)
            return None
        if now - self._contrary_since.setdefault(rule.name, now) < rule.for_seconds:
            return None
        del self._contrary_since[rule.name]
        self._firing ^= {rule.name}
        return Alert(rule, wanted, value, now)


def pool_rules(
    *,
    waiters: float = 10,
    wait_seconds: float = 0.5,
    utilization: float = 0.9,
    error_rate: float = 0.05,
    stale_seconds: float = 150,
    for_seconds: float = 0.0,
) -> list[AlertRule]:
    """Return rules for the rows of `PoolPerformanceMonitor`.

    They fire above: `waiters` requests that wait; `wait_seconds` of mean wait since the row
    before; `utilization` as part of `max_size` that is in use; `error_rate` as part of the
    statements since the row before that failed; `stale_seconds` of age of the row or of its health
    check. Each clears at half of its bound, utilization at 0.8 of it.
    """

    def rule(
        name: str,
        value: Callable[[Metrics, float], float | None],
        bound: float,
        clears: float = 0.5,
    ) -> AlertRule:
        return AlertRule(name, value, bound, bound * clears, for_seconds)

    return [
        rule("requests waiting", lambda row, _: _stats(row)["queue_size"], waiters),
        rule("mean wait in seconds", lambda row, _: _since_last(row, "mean_wait"), wait_seconds),
        rule("utilization", lambda row, _: _utilization(row), utilization, clears=0.8),
        rule("error rate", lambda row, _: _since_last(row, "error_rate"), error_rate),
        rule("age of the metrics in seconds", _age, stale_seconds),
    ]


def _stats(row: Metrics) -> Any:
    return row["pool_metrics"]["pool_stats"]


def _since_last(row: Metrics, name: str) -> float | None:
    since = row["since_last"]
    return None if since is None else since[name]


def _utilization(row: Metrics) -> float:
    stats = _stats(row)
    return float(stats["acquired_count"] / max(stats["max_size"], 1))  # 0 when it is closed.


def _age(row: Metrics, now: float) -> float:
    checked_at = row["pool_metrics"]["health_stats"].get("last_check")
    times = [row["timestamp"], *([checked_at] if checked_at is not None else [])]
    return float(now - min(times))
