"""The knee of a sweep: the value beyond which more of it gains little, by a stated rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Knee", "by_latency", "by_throughput"]

ENOUGH = 0.9
"""The knee is where nine tenths of the best throughput are reached ..."""
TOO_SLOW = 2.0
"""... or, for arrivals, the last value before the mean latency is more than twice the first's."""
RESAMPLES = 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Knee:
    """The knee of one arm.

    `value` on the sweep's axis; `low` and `high`: between them lie 95 % of the knees that are
    found when the rounds are drawn again (bootstrap); NaN with fewer than three rounds.
    `at_end`: the largest value that was measured still satisfies the rule of the gain, so that
    the true knee may lie beyond it. `rule`: the rule in words.
    """

    value: float
    low: float
    high: float
    at_end: bool
    rule: str

    @property
    def sentence(self) -> str:
        """The knee in one sentence."""
        beyond = ", the largest value measured; the true one may lie beyond it" * self.at_end
        spread = "" if math.isnan(self.low) else f" (from {self.low:g} to {self.high:g})"
        return f"The knee is at {self.value:g}{spread}{beyond}: {self.rule}."


def by_throughput(values: Sequence[float], rates: Floats, seed: int) -> Knee | None:
    """The smallest value that reaches 90 % of the best throughput; None if nothing succeeded.

    `rates`: requests per second, shape (values, rounds); the median of the rounds counts.
    """
    rule = f"the smallest value with {ENOUGH:.0%} of the best throughput"

    def find(chosen: Floats) -> int:
        middle = np.median(chosen, axis=1)
        return int(np.argmax(middle >= ENOUGH * middle.max()))

    return _knee(values, rates, find, rule, seed) if rates.size and rates.max() > 0 else None


def by_latency(values: Sequence[float], means: Floats, seed: int) -> Knee | None:
    """The largest value before the mean latency is twice that at the smallest value.

    `means`: mean latency of each round in any unit, shape (values, rounds), NaN where no request
    succeeded, which counts as too slow. None if none succeeded at the smallest value.
    """
    rule = f"the last value before the mean latency is more than {TOO_SLOW:g} times the first's"

    def find(chosen: Floats) -> int:
        middle = np.median(np.nan_to_num(chosen, nan=np.inf), axis=1)
        slow = middle > TOO_SLOW * middle[0]
        return int(np.argmax(slow)) - 1 if slow.any() else len(values) - 1

    if not means.size or not np.isfinite(means[0]).all():
        return None
    return _knee(values, means, find, rule, seed)


def _knee(
    values: Sequence[float], figures: Floats, find: Callable[[Floats], int], rule: str, seed: int
) -> Knee:
    """The knee that `find` finds in all rounds, and its interval by drawing rounds again."""
    found = find(figures)
    rounds = figures.shape[1]
    low = high = math.nan
    if rounds >= 3:
        chance = np.random.default_rng(seed)
        drawn = [
            values[find(figures[:, chance.integers(0, rounds, rounds)])] for _ in range(RESAMPLES)
        ]
        low, high = (float(end) for end in np.percentile(drawn, [2.5, 97.5], method="nearest"))
    return Knee(values[found], low, high, len(values) > 1 and found == len(values) - 1, rule)
