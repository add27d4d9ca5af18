"""Right: from the smallest size upwards, until one is good enough."""


def knee(throughput):
    best = max(throughput.values(), default=0)
    for size in sorted(throughput):
        if throughput[size] / best >= 0.9:
            return size
    raise ValueError("the sweep is empty")


answer = knee
