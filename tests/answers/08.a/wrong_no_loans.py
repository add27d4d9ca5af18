"""Wrong: divides by the number of loans, be it 0. Says: all three numbers are 0."""


def in_use(loans, seconds):
    rate = len(loans) / seconds
    hold = sum(end - begin for begin, end in loans) / len(loans)
    return rate, hold, rate * hold


answer = in_use
