"""Right: exact fractions; 0.1 is taken as one tenth."""

from fractions import Fraction


def size_of_pool(requests_per_second, seconds_per_request, max_connections, reserved, processes):
    rate, seconds = Fraction(str(requests_per_second)), Fraction(str(seconds_per_request))
    for name, value in {"rate": rate, "seconds": seconds, "processes": processes}.items():
        if value <= 0:
            raise ValueError(f"the {name} must be more than zero, not {value}")
    needed = -(-rate * seconds * 5 // (4 * processes))
    if needed * processes > max_connections - reserved:
        raise ValueError(
            f"{processes} x {needed} connections are needed, "
            f"{max_connections} - {reserved} are there"
        )
    return int(needed)


answer = size_of_pool
