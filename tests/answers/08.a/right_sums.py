"""Right: the sum of all hold times, divided in two ways."""


def in_use(loans, seconds):
    held = sum(end - begin for begin, end in loans)
    count = len(loans)
    return count / seconds, held / max(1, count), held / seconds


answer = in_use
