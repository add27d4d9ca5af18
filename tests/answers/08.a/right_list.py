"""Right: a list of the three numbers."""


def in_use(loans, seconds):
    if not loans:
        return [0, 0, 0]
    rate = len(loans) / seconds
    hold = sum(released - acquired for acquired, released in loans) / len(loans)
    return [rate, hold, rate * hold]


answer = in_use
