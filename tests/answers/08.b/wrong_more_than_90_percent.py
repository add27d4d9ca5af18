"""Wrong: 90 percent exactly does not count. Says: exactly."""


def knee(throughput):
    if not throughput:
        raise ValueError("empty")
    enough = 0.9 * max(throughput.values())
    return min(size for size, answered in throughput.items() if answered > enough)


answer = knee
