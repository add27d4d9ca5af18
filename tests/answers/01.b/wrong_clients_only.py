"""Wrong: each client adds answers for ever. Says: too many."""


def foretell(clients, connections, hold_ms):
    return clients * 1000 / hold_ms, hold_ms


answer = foretell
