"""Right: a class with the steps as properties, whole numbers apart from a tolerance."""

from dataclasses import dataclass
from math import ceil


@dataclass
class Service:
    rate: float
    seconds: float
    processes: int

    def __post_init__(self):
        if not (self.rate > 0 and self.seconds > 0 and self.processes > 0):
            raise ValueError("a service needs a rate, a duration and a process")

    @property
    def busy(self):
        return self.rate * self.seconds / self.processes

    @property
    def size(self):
        return max(1, ceil(round(self.busy * 1.25, 9)))

    @classmethod
    def pool_size(
        cls, requests_per_second, seconds_per_request, max_connections, reserved, processes
    ):
        service = cls(requests_per_second, seconds_per_request, processes)
        if service.size * processes + reserved > max_connections:
            raise ValueError("too many connections for the server")
        return service.size


answer = Service.pool_size
