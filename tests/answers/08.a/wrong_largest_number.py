"""Wrong: the most at the same time, and not the average. Says: number in use."""


def in_use(loans, seconds):
    if not loans:
        return 0.0, 0.0, 0.0
    hold = sum(end - begin for begin, end in loans) / len(loans)
    most = max(sum(a <= begin < b for a, b in loans) for begin, _ in loans)
    return len(loans) / seconds, hold, float(most)


answer = in_use
