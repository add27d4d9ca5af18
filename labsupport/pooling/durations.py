"""How long something took, kept as a few numbers: cheap enough for every request."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

__all__ = ["BOUNDS", "DurationSummary", "Durations", "PoolTimes"]

BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
"""Upper bounds of the buckets in seconds, those that OpenTelemetry advises for databases."""


@dataclass(frozen=True)
class DurationSummary:
    """Durations up to one moment, all in seconds.

    `counts[i]` durations were at most `BOUNDS[i]` and above the bound before it; the last of
    `counts` is those above every bound.
    """

    count: int
    total: float
    longest: float
    counts: tuple[int, ...] = field(repr=False)

    @property
    def mean(self) -> float:
        """The mean duration; 0 when there was none."""
        return self.total / self.count if self.count else 0.0


class Durations:
    """Collects durations in seconds without keeping each of them."""

    __slots__ = ("_counts", "_longest", "_total")

    def __init__(self) -> None:
        self._total = 0.0
        self._longest = 0.0
        self._counts = [0] * (len(BOUNDS) + 1)

    def record(self, seconds: float) -> None:
        """Add one duration."""
        self._total += seconds
        if seconds > self._longest:
            self._longest = seconds
        self._counts[bisect_left(BOUNDS, seconds)] += 1

    def summary(self) -> DurationSummary:
        """What was collected so far; it does not change any more."""
        return DurationSummary(sum(self._counts), self._total, self._longest, tuple(self._counts))


class PoolTimes:
    """The three durations of a pool's life.

    `wait`: from asking for a connection until having it, for requests that got one.
    `use`: from getting a connection until giving it back (the hold time).
    `create`: what it took to open a new connection.
    """

    def __init__(self) -> None:
        self.wait = Durations()
        self.use = Durations()
        self.create = Durations()
