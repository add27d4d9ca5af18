"""Wrong: as if clients came in groups. Says: too long."""

import math


def foretell(clients, connections, hold_ms):
    rate = min(clients, connections) * 1000 / hold_ms
    return rate, hold_ms * math.ceil(clients / connections)


answer = foretell
