"""Right: how many turns a client waits for, on average."""


async def foretell(clients, connections, hold_ms):
    turns = max(1.0, clients / connections)
    milliseconds = turns * hold_ms
    return [clients * 1000 / milliseconds, milliseconds]


answer = foretell
