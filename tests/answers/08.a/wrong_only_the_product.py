"""Wrong: returns only how many are in use. Says: three numbers."""


def in_use(loans, seconds):
    return sum(end - begin for begin, end in loans) / seconds


answer = in_use
