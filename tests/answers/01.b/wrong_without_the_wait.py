"""Wrong: the time of the use only. Says: too short."""


def foretell(clients, connections, hold_ms):
    return min(clients, connections) * 1000 / hold_ms, hold_ms


answer = foretell
