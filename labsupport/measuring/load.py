"""What is measured and how hard: the request and the load."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

__all__ = ["ClosedLoop", "Request", "check_clients", "check_requests", "check_seconds"]

Request = Callable[[], Awaitable[object]]
"""Any `async` callable without arguments that runs one request. What it returns is ignored."""


def check_seconds(name: str, value: float, *, zero_allowed: bool = False) -> None:
    """Raise ValueError unless `value` is a finite number of seconds above zero (or zero)."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0 or (value == 0 and not zero_allowed):
        least = "zero or more" if zero_allowed else "more than zero"
        raise ValueError(f"{name} must be a number of seconds, {least}; it is {value!r}.")


def check_clients(clients: int) -> None:
    """Raise ValueError unless `clients` is a whole number, one or more."""
    if not isinstance(clients, int) or isinstance(clients, bool) or clients < 1:
        raise ValueError(f"clients must be a whole number, one or more; it is {clients!r}.")


def check_requests(requests: Mapping[str, object], least: int) -> None:
    """Raise ValueError or TypeError unless there are `least` named callables or more."""
    if len(requests) < least:
        raise ValueError(f"Name at least {least} requests to measure; there are {len(requests)}.")
    for name, request in requests.items():
        if not callable(request):
            raise TypeError(
                f"The request {name!r} must be an async function that can be called again and "
                "again: pass the function itself, without brackets behind it."
            )


@dataclass(frozen=True)
class ClosedLoop:
    """A closed loop: each client sends its next request when its last one was answered.

    `clients`: how many send requests at the same time.
    `seconds`: the most time to measure, all arms together, without their warm-up.
    `warmup`: seconds that each arm runs before, and that are thrown away.
    `slice_seconds`: how long one arm runs before the next one has its turn.
    `patience`: seconds after a slice's end until its unfinished requests are given up.

    Raises ValueError for a value that makes no sense.
    """

    clients: int = 10
    seconds: float = 8.0
    warmup: float = 0.5
    slice_seconds: float = 0.25
    patience: float = 10.0

    def __post_init__(self) -> None:
        check_clients(self.clients)
        check_seconds("seconds", self.seconds)
        check_seconds("warmup", self.warmup, zero_allowed=True)
        check_seconds("slice_seconds", self.slice_seconds)
        check_seconds("patience", self.patience)
