"""Wrong: asks how few are in use before it asks who waits. Says: waiting all the time."""


def advise(rows, longest_loan):
    if longest_loan > 30:
        return "find the leak"
    if all(row["acquired_count"] <= row["max_size"] / 4 for row in rows):
        return "smaller"
    if sum(row["queue_size"] > 0 for row in rows) > len(rows) / 2:
        return "larger"
    return "leave it"


answer = advise
