"""Exercise 08.b: the smallest pool that is nearly as good as the best."""

__all__ = ["find_knee"]


def find_knee(throughput):
    """Return the smallest number of connections with 90 % of the highest throughput."""
    if not throughput:
        raise ValueError("Nothing was measured, so there is no knee.")
    enough = 0.9 * max(throughput.values())
    return min(size for size, answered in throughput.items() if answered >= enough)
