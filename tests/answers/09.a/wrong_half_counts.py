"""Wrong: half of the looks count as more than half. Says: 2 of 4 looks."""


def advise(rows, longest_loan):
    if longest_loan > 30:
        return "find the leak"
    if sum(row["queue_size"] > 0 for row in rows) >= len(rows) / 2:
        return "larger"
    if all(row["acquired_count"] <= row["max_size"] / 4 for row in rows):
        return "smaller"
    return "leave it"


answer = advise
