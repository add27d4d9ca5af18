"""Wrong: a pool that is in full use is enlarged, although nobody waits. Says: leave it."""


def advise(rows, longest_loan):
    if longest_loan > 30:
        return "find the leak"
    use = sum(row["acquired_count"] / row["max_size"] for row in rows) / len(rows)
    if use > 0.8:
        return "larger"
    if max(row["acquired_count"] / row["max_size"] for row in rows) <= 0.25:
        return "smaller"
    return "leave it"


answer = advise
