"""The knee of a sweep by its stated rules, on figures that are known beforehand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from labsupport.measuring.knees import by_latency, by_throughput

SIZES = [1.0, 2.0, 4.0, 8.0]


def rounds_of(*middles: float, spread: float = 0.01, rounds: int = 9) -> np.ndarray:
    factors = 1 + spread * np.linspace(-1, 1, rounds)
    return np.outer(middles, factors)


def test_the_knee_is_the_smallest_value_with_nine_tenths_of_the_best() -> None:
    knee = by_throughput(SIZES, rounds_of(100, 200, 380, 400), seed=1)
    assert knee is not None
    assert (knee.value, knee.low, knee.high, knee.at_end) == (4, 4, 4, False)
    assert knee.sentence.startswith("The knee is at 4 (from 4 to 4): the smallest value with 90%")
    fallen = by_throughput(SIZES, rounds_of(100, 400, 390, 100), seed=1)
    assert fallen is not None and fallen.value == 2


def test_a_knee_at_the_end_may_lie_beyond() -> None:
    knee = by_throughput(SIZES, rounds_of(100, 200, 300, 400), seed=1)
    assert knee is not None and knee.value == 8 and knee.at_end
    assert "may lie beyond" in knee.sentence


def test_rounds_that_disagree_widen_the_interval() -> None:
    figures = rounds_of(100, 200, 360, 400)
    figures[2] += np.tile([-60, 0, 60], 3)
    knee = by_throughput(SIZES, figures, seed=1)
    assert knee is not None
    assert knee.low == 4 and knee.high == 8
    assert by_throughput(SIZES, figures, seed=1) == knee


def test_few_rounds_have_no_interval() -> None:
    knee = by_throughput(SIZES, rounds_of(100, 200, 380, 400, rounds=2), seed=1)
    assert knee is not None and math.isnan(knee.low)
    assert "from" not in knee.sentence


def test_the_knee_of_arrivals_is_the_last_value_before_the_latency_doubles() -> None:
    knee = by_latency(SIZES, rounds_of(5, 6, 9.5, 40), seed=1)
    assert knee is not None and knee.value == 4 and not knee.at_end
    failed = by_latency(SIZES, rounds_of(5, 6, math.nan, math.nan), seed=1)
    assert failed is not None and failed.value == 2
    flat = by_latency(SIZES, rounds_of(5, 5, 5, 5), seed=1)
    assert flat is not None and flat.value == 8 and flat.at_end


@pytest.mark.parametrize("find", [by_throughput, by_latency])
def test_nothing_measured_has_no_knee(find: type) -> None:
    assert find(SIZES, np.empty((4, 0)), seed=1) is None


def test_an_arm_without_an_answer_has_no_knee() -> None:
    assert by_throughput(SIZES, np.zeros((4, 5)), seed=1) is None
    assert by_latency(SIZES, rounds_of(math.nan, 1, 1, 1), seed=1) is None
