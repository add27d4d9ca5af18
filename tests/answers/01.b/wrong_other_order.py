"""Wrong: the two numbers the other way round. Says: requests per second."""


def foretell(clients, connections, hold_ms):
    rate = min(clients, connections) * 1000 / hold_ms
    return clients / rate * 1000, rate


answer = foretell
