"""Wrong: compares with the largest pool, where the throughput has fallen. Says: too few | falls."""


def knee(throughput):
    if not throughput:
        raise ValueError("empty")
    last = throughput[max(throughput)]
    return min(size for size, answered in throughput.items() if answered >= 0.9 * last)


answer = knee
