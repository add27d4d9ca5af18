"""Wrong: returns None when nothing was measured. Says: ValueError."""


def knee(throughput):
    enough = 0.9 * max(throughput.values(), default=0)
    return min((size for size, answered in throughput.items() if answered >= enough), default=None)


answer = knee
