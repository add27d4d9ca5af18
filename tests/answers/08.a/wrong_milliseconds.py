"""Wrong: the hold time in milliseconds. Says: hold time."""


def in_use(loans, seconds):
    if not loans:
        return 0.0, 0.0, 0.0
    rate = len(loans) / seconds
    hold_ms = 1000 * sum(end - begin for begin, end in loans) / len(loans)
    return rate, hold_ms, rate * hold_ms / 1000


answer = in_use
