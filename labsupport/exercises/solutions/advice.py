"""Exercise 09.a: what to do about a pool, from its numbers."""

__all__ = ["advise"]


def advise(rows, longest_loan):
    """Return "find the leak", "larger", "smaller" or "leave it"."""
    # First the leak: a pool that leaks makes requests wait as well.
    if longest_loan > 30:
        return "find the leak"
    looks_with_a_queue = sum(row["queue_size"] > 0 for row in rows)
    if looks_with_a_queue > len(rows) / 2:
        return "larger"
    if all(row["acquired_count"] <= row["max_size"] / 4 for row in rows):
        return "smaller"
    return "leave it"
