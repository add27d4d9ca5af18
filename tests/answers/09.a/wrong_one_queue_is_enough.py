"""Wrong: one look with a queue makes the pool larger. Says: 1 of 4 looks."""


def advise(rows, longest_loan):
    if longest_loan > 30:
        return "find the leak"
    if any(row["queue_size"] for row in rows):
        return "larger"
    if all(row["acquired_count"] <= row["max_size"] / 4 for row in rows):
        return "smaller"
    return "leave it"


answer = advise
