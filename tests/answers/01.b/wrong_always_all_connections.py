"""Wrong: idle connections answer, too. Says: too many."""


def foretell(clients, connections, hold_ms):
    rate = connections * 1000 / hold_ms
    return rate, hold_ms * max(1, clients / connections)


answer = foretell
