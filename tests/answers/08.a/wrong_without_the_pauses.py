"""Wrong: counts the time from the first loan to the last release only. Says: arrival rate."""


def in_use(loans, seconds):
    if not loans:
        return 0.0, 0.0, 0.0
    lasted = max(end for _, end in loans) - min(begin for begin, _ in loans)
    rate = len(loans) / lasted
    hold = sum(end - begin for begin, end in loans) / len(loans)
    return rate, hold, rate * hold


answer = in_use
