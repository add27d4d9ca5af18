"""Wrong: the size with the highest throughput. Says: a smaller one is as good."""


def knee(throughput):
    return max(throughput, key=throughput.get)


answer = knee
