"""Right: rules in their order, the first that holds decides."""


def advise(rows, longest_loan):
    waiting = [row for row in rows if row["queue_size"]]
    most = max(row["acquired_count"] / row["max_size"] for row in rows)
    rules = [
        (longest_loan > 30, "find the leak"),
        (2 * len(waiting) > len(rows), "larger"),
        (most <= 0.25, "smaller"),
        (True, "leave it"),
    ]
    return next(word for holds, word in rules if holds)


answer = advise
