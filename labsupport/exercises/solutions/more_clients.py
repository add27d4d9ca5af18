"""Exercise 01.b: throughput stays, latency grows."""

__all__ = ["foretell"]


def foretell(clients, connections, hold_ms):
    """Return the requests per second, and the milliseconds of one request."""
    busy = min(clients, connections)
    rate = busy * 1000 / hold_ms
    # All clients together get `rate` answers per second, so each waits for its share.
    return rate, clients / rate * 1000
