"""Wrong: the median hold time, of which the law knows nothing. Says: hold time."""

from statistics import median


def in_use(loans, seconds):
    if not loans:
        return 0.0, 0.0, 0.0
    rate = len(loans) / seconds
    holds = sorted(end - begin for begin, end in loans)
    return rate, median(holds[1:] or holds), rate * median(holds[1:] or holds)


answer = in_use
