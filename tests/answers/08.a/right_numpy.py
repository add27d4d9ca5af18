"""Right: columns of an array."""

import numpy as np


class Loans:
    @staticmethod
    def averages(loans, seconds):
        table = np.array(loans, dtype=float).reshape(-1, 2)
        hold = float((table[:, 1] - table[:, 0]).mean()) if len(table) else 0.0
        rate = len(table) / seconds
        return [rate, hold, rate * hold]


answer = Loans.averages
