"""Percentiles, quartiles and intervals: plain arithmetic that needs no clock and no database."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["BEYOND", "Nanoseconds", "median_interval", "percentile_ms", "quartiles"]

Nanoseconds = NDArray[np.int64]
"""Exact durations in nanoseconds, shape (number of requests,)."""

BEYOND = 10
"""A percentile is known only with so many samples beyond it; with fewer it is an anecdote."""

RESAMPLES = 2000


def percentile_ms(latencies: Nanoseconds, p: float) -> float | None:
    """The p-th percentile in ms by nearest rank, or None with fewer than 10 samples beyond it.

    Nearest rank gives a latency that a request really had, never one between two of them.
    Raises ValueError unless 0 < p < 100.
    """
    if not 0 < p < 100:
        raise ValueError(f"A percentile lies between 0 and 100; {p!r} does not.")
    rank = math.ceil(len(latencies) * p / 100)
    if len(latencies) - rank < BEYOND:
        return None
    return float(np.partition(latencies, rank - 1)[rank - 1]) / 1e6


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median and upper quartile; NaN of no values."""
    if not len(values):
        return math.nan, math.nan, math.nan
    low, middle, high = np.percentile(values, [25, 50, 75])
    return float(low), float(middle), float(high)


def median_interval(values: Sequence[float], seed: int) -> tuple[float, float]:
    """The 95 % interval of the median of `values`, by the percentile bootstrap.

    The values are drawn again with replacement 2,000 times; the interval is what lies between
    the 2.5th and the 97.5th percentile of those medians (Efron and Tibshirani, "An Introduction
    to the Bootstrap", 1993, chapter 13). The same seed gives the same interval.
    """
    drawn = np.random.default_rng(seed).choice(values, size=(RESAMPLES, len(values)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(low), float(high)
