"""Right: a sorted series; the first index that is good enough."""

import pandas as pd


def knee(throughput):
    if len(throughput) == 0:
        raise ValueError("no size was measured")
    answered = pd.Series(throughput).sort_index()
    return int(answered[answered >= answered.max() * 0.9].index[0])


answer = knee
