"""Right: tries one size after the other, as far as the server has connections."""


def pool_size(requests_per_second, seconds_per_request, max_connections, reserved, processes):
    if min(requests_per_second, seconds_per_request, processes) <= 0:
        raise ValueError("nothing may be zero or negative")
    busy = requests_per_second * seconds_per_request / processes
    for size in range(1, (max_connections - reserved) // processes + 1):
        if busy / size <= 0.8 + 1e-12:
            return size
    raise ValueError("the server has too few connections for these pools")


answer = pool_size
