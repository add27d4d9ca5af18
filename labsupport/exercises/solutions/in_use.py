"""Exercise 08.a: Little's law, from a list of loans."""

__all__ = ["in_use"]


def in_use(loans, seconds):
    """Return the arrival rate, the mean hold time, and how many are in use on average."""
    if not loans:
        return 0.0, 0.0, 0.0
    rate = len(loans) / seconds
    hold_time = sum(released - acquired for acquired, released in loans) / len(loans)
    return rate, hold_time, rate * hold_time
