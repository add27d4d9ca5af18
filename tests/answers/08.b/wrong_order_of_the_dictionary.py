"""Wrong: takes the first that is good enough, in the order of the dictionary. Says: no order."""


def knee(throughput):
    if not throughput:
        raise ValueError("empty")
    enough = 0.9 * max(throughput.values())
    return next(size for size, answered in throughput.items() if answered >= enough)


answer = knee
