"""Wrong: stops at the first step that gains little. Says: too few."""

from itertools import pairwise


def knee(throughput):
    if not throughput:
        raise ValueError("empty")
    sizes = sorted(throughput)
    for smaller, larger in pairwise(sizes):
        if throughput[larger] < 1.1 * throughput[smaller]:
            return smaller
    return sizes[-1]


answer = knee
