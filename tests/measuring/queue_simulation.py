"""A queue with several connections, worked out request by request: no clock and no database."""

from __future__ import annotations

from heapq import heapreplace

import numpy as np
from numpy.typing import NDArray

__all__ = ["simulated_waits"]

Floats = NDArray[np.float64]


def simulated_waits(arrivals: Floats, holds: Floats, connections: int) -> Floats:
    """How long each request waits in seconds, first come first served, shape (requests,).

    `arrivals`: the moments at which the requests come, rising; `holds`: how long each holds its
    connection. A request gets the connection that is free first (Kiefer and Wolfowitz, "On the
    Theory of Queues with Many Servers", 1955).
    """
    free = [0.0] * connections
    waits = np.empty(len(arrivals))
    for index, (arrival, hold) in enumerate(zip(arrivals.tolist(), holds.tolist(), strict=True)):
        begin = max(arrival, free[0])
        waits[index] = begin - arrival
        heapreplace(free, begin + hold)
    return waits
