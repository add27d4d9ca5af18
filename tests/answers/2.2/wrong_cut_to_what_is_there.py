"""Wrong: cuts the size to what the server has, in silence. Says: ValueError."""

import math


def pool_size(requests_per_second, seconds_per_request, max_connections, reserved, processes):
    if requests_per_second <= 0 or seconds_per_request <= 0 or processes <= 0:
        raise ValueError("the rate, the seconds and the processes have to be above zero")
    busy = requests_per_second / processes * seconds_per_request
    size = math.ceil(busy / 0.8)
    size = max(1, min(size, (max_connections - reserved) // processes))
    return size


answer = pool_size
