"""Right: a table of the rows."""

import pandas as pd


def advise(rows, longest_loan):
    table = pd.DataFrame(rows)
    if longest_loan > 30:
        return "find the leak"
    if (table["queue_size"] > 0).mean() > 0.5:
        return "larger"
    if (table["acquired_count"] * 4 <= table["max_size"]).all():
        return "smaller"
    return "leave it"


answer = advise
