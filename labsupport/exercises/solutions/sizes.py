"""Exercise 2.2: how many connections a load needs."""

import math

__all__ = ["pool_size"]


def pool_size(requests_per_second, seconds_per_request, max_connections, reserved, processes):
    """Return the size of one process's pool; raises ValueError when the server has too few."""
    if min(requests_per_second, seconds_per_request, processes) <= 0:
        raise ValueError("The rate, the time of a request and the processes are above zero.")
    # Little's law: on average, rate times duration requests are under way.
    busy = requests_per_second * seconds_per_request / processes
    size = max(1, math.ceil(busy / 0.8))
    share = (max_connections - reserved) // processes
    if size > share:
        raise ValueError(f"Each process needs {size} connections, and the server has {share}.")
    return size
