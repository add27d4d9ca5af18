"""Wrong: the average use hides a peak. Says: once."""


def advise(rows, longest_loan):
    if longest_loan > 30:
        return "find the leak"
    if sum(row["queue_size"] > 0 for row in rows) > len(rows) / 2:
        return "larger"
    average = sum(row["acquired_count"] for row in rows) / len(rows)
    return "smaller" if average <= rows[0]["max_size"] / 4 else "leave it"


answer = advise
