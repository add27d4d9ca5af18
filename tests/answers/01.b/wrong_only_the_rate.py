"""Wrong: one number. Says: two numbers."""


def foretell(clients, connections, hold_ms):
    return min(clients, connections) * 1000 / hold_ms


answer = foretell
