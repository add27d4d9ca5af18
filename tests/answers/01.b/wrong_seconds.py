"""Wrong: takes milliseconds for seconds. Says: unit of the time."""


def foretell(clients, connections, hold_ms):
    rate = min(clients, connections) / hold_ms
    return rate, clients / rate


answer = foretell
