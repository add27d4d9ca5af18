"""Right: the two cases one by one."""


def foretell(clients, connections, hold_ms):
    if clients <= connections:
        return clients / (hold_ms / 1000), hold_ms
    return connections / (hold_ms / 1000), hold_ms * clients / connections


answer = foretell
