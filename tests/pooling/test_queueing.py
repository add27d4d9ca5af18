"""Waiting for one of several connections: against published values, exact sums, a simulation."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labsupport.pooling.queueing import erlang_b, erlang_c, mean_wait, wait_percentile

connections = st.integers(min_value=1, max_value=60)
utilizations = st.floats(min_value=0.01, max_value=0.99)


@pytest.mark.parametrize(
    ("servers", "load", "blocking"),
    # Published: the examples in the manual of Abstract Micro Systems' Erlang Library for Excel,
    # function ErlbTrafFromBlockage, which gives the load to six digits.
    [(17, 9.65160, 0.01), (25, 16.1245, 0.01), (17, 12.4613, 0.05)],
)
def test_erlang_b_agrees_with_published_values(servers: int, load: float, blocking: float) -> None:
    assert erlang_b(servers, load) == pytest.approx(blocking, rel=1e-4)


def exact_b_and_c(servers: int, load: Fraction) -> tuple[Fraction, Fraction]:
    """Erlang's two formulas as he wrote them: sums of powers over factorials, without rounding."""
    terms = [load**n / math.factorial(n) for n in range(servers + 1)]
    waiting = terms[-1] * servers / (servers - load)
    return terms[-1] / sum(terms), waiting / (sum(terms[:-1]) + waiting)


@pytest.mark.parametrize(
    ("servers", "load"),
    [(1, "1/100"), (2, "1"), (3, "2"), (5, "413/100"), (14, "10"), (50, "49"), (200, "199")],
)
def test_both_formulas_agree_with_their_sums_computed_without_rounding(
    servers: int, load: str
) -> None:
    blocking, waiting = exact_b_and_c(servers, Fraction(load))
    assert erlang_b(servers, float(Fraction(load))) == pytest.approx(float(blocking), rel=1e-12)
    assert erlang_c(servers, float(Fraction(load))) == pytest.approx(float(waiting), rel=1e-10)


@pytest.mark.parametrize(
    ("servers", "load", "waiting"),
    # Computed by hand from the sums. The second is an example in Wolfram's page on ErlangC: two
    # lines of 1 Mbit/s, 150 packets of 10 kbit a second.
    [(2, 1.0, 1 / 3), (2, 1.5, 9 / 14), (3, 2.0, 4 / 9), (4, 2.0, 4 / 23)],
)
def test_erlang_c_agrees_with_small_cases(servers: int, load: float, waiting: float) -> None:
    assert erlang_c(servers, load) == pytest.approx(waiting, rel=1e-12)


def test_a_support_desk_needs_six_people() -> None:
    """Wolfram's page on ErlangC asks: 30 calls an hour of 5 minutes, 90 % without a wait."""
    exact = [exact_b_and_c(people, Fraction(5, 2))[1] <= Fraction(1, 10) for people in (4, 5, 6, 7)]
    ours = [erlang_c(people, 2.5) <= 0.1 for people in (4, 5, 6, 7)]
    assert ours == exact == [False, False, True, True]


@given(servers=connections, utilization=utilizations)
def test_the_recursion_agrees_with_the_direct_sum(servers: int, utilization: float) -> None:
    load = servers * utilization
    last = load**servers / math.factorial(servers) / (1 - utilization)
    direct = last / (sum(load**n / math.factorial(n) for n in range(servers)) + last)
    assert erlang_c(servers, load) == pytest.approx(direct, rel=1e-9)


@given(utilization=utilizations, hold=st.floats(min_value=1e-4, max_value=10))
def test_one_connection_is_the_queue_with_one_server(utilization: float, hold: float) -> None:
    rate = utilization / hold
    assert erlang_c(1, utilization) == pytest.approx(utilization)
    assert mean_wait(1, rate, hold) == pytest.approx(utilization * hold / (1 - utilization))


@given(utilization=utilizations, hold=st.floats(min_value=1e-4, max_value=10))
def test_equal_hold_times_wait_half_as_long_as_exponential_ones(
    utilization: float, hold: float
) -> None:
    rate = utilization / hold
    assert mean_wait(1, rate, hold, hold_cv2=0) == pytest.approx(mean_wait(1, rate, hold) / 2)


def test_a_thousand_connections_do_not_overflow() -> None:
    assert 0 < erlang_c(1000, 950) < erlang_c(1000, 990) < 1


@given(servers=connections, utilization=utilizations)
def test_one_more_connection_makes_waiting_rarer_and_shorter(
    servers: int, utilization: float
) -> None:
    load = servers * utilization
    assert erlang_c(servers + 1, load) < erlang_c(servers, load)
    assert mean_wait(servers + 1, load, 1.0) < mean_wait(servers, load, 1.0)


@given(servers=connections, utilization=utilizations, cv2=st.floats(min_value=0, max_value=9))
def test_a_higher_percentile_waits_at_least_as_long(
    servers: int, utilization: float, cv2: float
) -> None:
    waits = [wait_percentile(p, servers, servers * utilization, 1.0, cv2) for p in (50, 90, 99.9)]
    assert waits == sorted(waits)
    assert waits[0] >= 0


@pytest.mark.parametrize("load", [5.0, 5.1, 500.0])
def test_a_load_that_never_drains_is_refused(load: float) -> None:
    with pytest.raises(ValueError, match="grow without end"):
        erlang_c(5, load)
    with pytest.raises(ValueError, match="grow without end"):
        mean_wait(5, load, 1.0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: erlang_c(0, 1.0), "connections is 0"),
        (lambda: erlang_c(True, 0.5), "connections is True"),
        (lambda: erlang_b(3, -1.0), "must be 0 or more"),
        (lambda: erlang_b(3, math.nan), "must be 0 or more"),
        (lambda: mean_wait(3, 1.0, 0.0), "hold_time is 0.0"),
        (lambda: mean_wait(3, 1.0, 1.0, -1.0), "hold_cv2 is -1.0"),
        (lambda: wait_percentile(100, 3, 1.0, 1.0), "percentile is 100"),
    ],
)
def test_impossible_arguments_are_refused_in_a_sentence(
    call: Callable[[], float], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        call()


@dataclass(frozen=True)
class Simulated:
    """What a simulated queue did."""

    waited: float
    """Part of the requests that waited."""
    mean: float
    p99: float


def simulate(servers: int, rate: float, hold: Callable[[random.Random], float]) -> Simulated:
    """Serve requests that arrive at random, each by the connection that is free first."""
    chance = random.Random(20)
    free_at = [0.0] * servers
    now, waits = 0.0, []
    for _ in range(150_000):
        now += chance.expovariate(rate)
        start = max(now, heapq.heappop(free_at))
        waits.append(start - now)
        heapq.heappush(free_at, start + hold(chance))
    steady = sorted(waits[5_000:])
    return Simulated(
        waited=sum(wait > 0 for wait in steady) / len(steady),
        mean=sum(steady) / len(steady),
        p99=steady[int(len(steady) * 0.99)],
    )


@pytest.mark.parametrize(("servers", "load"), [(5, 4.13), (6, 4.13), (7, 4.13), (20, 16.0)])
def test_predictions_agree_with_a_simulation(servers: int, load: float) -> None:
    seen = simulate(servers, load / 0.04, lambda chance: chance.expovariate(1 / 0.04))
    assert erlang_c(servers, load) == pytest.approx(seen.waited, rel=0.1)
    assert mean_wait(servers, load / 0.04, 0.04) == pytest.approx(seen.mean, rel=0.1)
    assert wait_percentile(99, servers, load / 0.04, 0.04) == pytest.approx(seen.p99, rel=0.1)


@pytest.mark.parametrize(
    ("cv2", "hold"),
    [
        (0.0, lambda chance: 0.04),
        (1 / 3, lambda chance: chance.uniform(0, 0.08)),
        # One request in ten takes nine times as long as the others.
        (1.7778, lambda chance: 0.2 if chance.random() < 0.1 else 0.04 * 0.5 / 0.9),
    ],
)
def test_other_hold_times_are_approximated(
    cv2: float, hold: Callable[[random.Random], float]
) -> None:
    seen = simulate(5, 4.13 / 0.04, hold)
    assert mean_wait(5, 4.13 / 0.04, 0.04, hold_cv2=cv2) == pytest.approx(seen.mean, rel=0.15)
