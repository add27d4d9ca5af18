"""Wrong: asks for waiting requests before the leak. Says: find the leak."""


def advise(rows, longest_loan):
    if sum(row["queue_size"] > 0 for row in rows) > len(rows) / 2:
        return "larger"
    if longest_loan > 30:
        return "find the leak"
    if all(row["acquired_count"] <= row["max_size"] / 4 for row in rows):
        return "smaller"
    return "leave it"


answer = advise
