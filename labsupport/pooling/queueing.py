"""How long requests wait for one of several connections: M/M/c and its approximation for others.

In the language of queues a connection is a server, and `load` is the offered load in Erlang: the
number of connections that are in use on average, arrival rate times hold time (Little's law).
Pure arithmetic; nothing here needs a database.
"""

from __future__ import annotations

import math

from .checks import percentage, positive, variation, whole

__all__ = ["erlang_b", "erlang_c", "mean_wait", "wait_percentile"]


def erlang_b(connections: int, load: float) -> float:
    """Return the probability that all connections are in use when nobody may wait.

    The recursion B(0) = 1, B(n) = a B(n-1) / (n + a B(n-1)) gives the same as Erlang's sum and
    never overflows. Source: A. K. Erlang, Solution of some problems in the theory of probabilities
    of significance in automatic telephone exchanges (1917), the formula without a queue.
    Raises `ValueError` for an impossible argument.
    """
    _check(connections, load)
    blocked = 1.0
    for n in range(1, connections + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(connections: int, load: float) -> float:
    """Return the probability that a request has to wait at all.

    C = B / (1 - (a/c) (1 - B)) with Erlang's B, the load a and c connections. It holds for arrivals
    at random (Poisson) and exponential hold times. Source: the paper of 1917 that `erlang_b` names.
    Raises `ValueError` when the load is not below the number of connections: the queue would grow
    without end.
    """
    _check(connections, load, must_be_stable=True)
    blocked = erlang_b(connections, load)
    return blocked / (1 - load / connections * (1 - blocked))


def mean_wait(
    connections: int,
    arrival_rate: float,
    hold_time: float,
    hold_cv2: float = 1.0,
    arrival_cv2: float = 1.0,
) -> float:
    """Return the mean wait for a connection in seconds, over all requests.

    Wq = C / (c/S - rate) for M/M/c, times (ca2 + cs2) / 2 for other variation. The factor is the
    approximation of Allen and Cunneen for the queue GI/G/c (A. O. Allen, Probability, Statistics,
    and Queueing Theory with Computer Science Applications, 2nd edition, 1990); for one connection
    and random arrivals it is the exact formula of Pollaczek and Khinchine. Against a simulation it
    is within 15 % for 5 connections, 83 % utilization and a hold_cv2 from 0 to 1.8.

    `arrival_rate` is in requests per second and `hold_time` in seconds. `hold_cv2` and
    `arrival_cv2` are squared coefficients of variation (variance / mean squared): 0 for always the
    same, 1 for exponential.
    """
    delay = _wait_of_those_that_wait(connections, arrival_rate, hold_time, hold_cv2, arrival_cv2)
    return erlang_c(connections, arrival_rate * hold_time) * delay


def wait_percentile(
    percentile: float,
    connections: int,
    arrival_rate: float,
    hold_time: float,
    hold_cv2: float = 1.0,
    arrival_cv2: float = 1.0,
) -> float:
    """Return the wait in seconds that `percentile` percent of the requests do not exceed.

    From P(W > t) = C exp(-t / d) follows t = d ln(C / (1 - p)), or 0 when fewer than 1 - p wait at
    all; d is the mean wait of those that wait. Exact for M/M/c; for other variation d carries the
    same factor as in `mean_wait`.
    Raises `ValueError` when `percentile` is not between 0 and 100.
    """
    percentage("percentile", percentile)
    delay = _wait_of_those_that_wait(connections, arrival_rate, hold_time, hold_cv2, arrival_cv2)
    waits = erlang_c(connections, arrival_rate * hold_time)
    slower = 1 - percentile / 100
    return delay * math.log(waits / slower) if waits > slower else 0.0


def _wait_of_those_that_wait(
    connections: int, arrival_rate: float, hold_time: float, hold_cv2: float, arrival_cv2: float
) -> float:
    """The mean wait in seconds of the requests that do not find a free connection."""
    variation("hold_cv2", hold_cv2)
    variation("arrival_cv2", arrival_cv2)
    positive("hold_time", hold_time, "seconds")
    _check(connections, arrival_rate * hold_time, must_be_stable=True)
    return (arrival_cv2 + hold_cv2) / 2 / (connections / hold_time - arrival_rate)


def _check(connections: int, load: float, must_be_stable: bool = False) -> None:
    whole("connections", connections, least=1)
    if not (math.isfinite(load) and load >= 0):
        raise ValueError(f"The offered load is {load!r} Erlang. It must be 0 or more.")
    if must_be_stable and load >= connections:
        raise ValueError(
            f"{load:.4g} connections would be in use on average, so {connections} cannot be "
            "enough: the queue would grow without end. Use more connections or hold them for less "
            "time."
        )
