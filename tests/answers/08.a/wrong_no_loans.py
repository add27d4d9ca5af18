"""Wrong: divides by the number of loans, also when there are none. Says: no loan at all."""


def in_use(loans, seconds):
    rate = len(loans) / seconds
    hold = sum(end - begin for begin, end in loans) / len(loans)
    return rate, hold, rate * hold


answer = in_use
