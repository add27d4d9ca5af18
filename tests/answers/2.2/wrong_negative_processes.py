"""Wrong: fewer than no processes are accepted. Says: above zero."""

import math


def pool_size(requests_per_second, seconds_per_request, max_connections, reserved, processes):
    if requests_per_second <= 0 or seconds_per_request <= 0 or processes == 0:
        raise ValueError("the rate, the seconds and the processes have to be above zero")
    busy = requests_per_second / processes * seconds_per_request
    size = max(1, math.ceil(busy / 0.8))
    if size * processes > max_connections - reserved:
        raise ValueError(f"{processes} pools of {size} are more than the server has")
    return size


answer = pool_size
