"""What is measured and how hard: the request, its parts, and the load in its two kinds."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

__all__ = [
    "ClosedLoop",
    "Load",
    "OpenLoop",
    "Parts",
    "Request",
    "check_clients",
    "check_requests",
    "check_seconds",
    "describe",
]

Request = Callable[[], Awaitable[object]]
"""Any `async` callable without arguments that runs one request.

It may return `Parts`; whatever else it returns is ignored.
"""

MOST_PER_SECOND = 1_000_000


class Parts(NamedTuple):
    """Where the time of one request went, in whole nanoseconds as `perf_counter_ns` counts them.

    `wait`: until the pool gave a connection; `use`: from then until the connection was given
    back or closed; `connect`: to open a connection of the request's own.
    """

    wait: int = 0
    use: int = 0
    connect: int = 0


def check_seconds(name: str, value: float, *, zero_allowed: bool = False) -> None:
    """Raise ValueError unless `value` is a finite number of seconds above zero (or zero)."""
    if not _is_finite(value) or value < 0 or (value == 0 and not zero_allowed):
        least = "zero or more" if zero_allowed else "more than zero"
        raise ValueError(f"{name} must be a number of seconds, {least}; it is {value!r}.")


def check_clients(clients: int) -> None:
    """Raise ValueError unless `clients` is a whole number, one or more."""
    _check_whole("clients", clients)


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


def _is_finite(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)  # type: ignore[arg-type]


def _check_whole(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number, one or more; it is {value!r}.")


def _check_times(load: ClosedLoop | OpenLoop) -> None:
    """The checks that both kinds of load have in common."""
    check_seconds("seconds", load.seconds)
    check_seconds("warmup", load.warmup, zero_allowed=True)
    check_seconds("slice_seconds", load.slice_seconds)
    check_seconds("patience", load.patience)
    if load.requests is not None:
        _check_whole("requests", load.requests)


@dataclass(frozen=True)
class ClosedLoop:
    """A closed loop: each client sends its next request when its last one was answered.

    `clients`: how many send requests at the same time.
    `seconds`: the most time to measure, all arms together, without their warm-up.
    `warmup`: seconds that each arm runs before, and that are thrown away.
    `slice_seconds`: how long one arm runs before the next one has its turn.
    `patience`: seconds after a slice's end until its unfinished requests are given up.
    `requests`: end when each arm has sent so many, if `seconds` have not passed before.

    Raises ValueError for a value that makes no sense.
    """

    clients: int = 10
    seconds: float = 8.0
    warmup: float = 0.5
    slice_seconds: float = 0.25
    patience: float = 10.0
    requests: int | None = None

    def __post_init__(self) -> None:
        check_clients(self.clients)
        _check_times(self)


@dataclass(frozen=True)
class OpenLoop:
    """An open loop: requests are sent at planned moments, whether the last ones are answered.

    `rate`: requests per second.
    `seconds`, `warmup`, `patience`, `requests`: as in `ClosedLoop`.
    `arrivals`: "poisson" for random moments that do not know of each other, as of many users;
    "even" for equal gaps.
    `slice_seconds`: how long one arm runs in a comparison before the next one has its turn; a
    single arm runs in one piece, because a queue needs time to grow.
    `most_in_flight`: the run ends when so many requests are unanswered at once.

    A latency runs from the planned moment, so that nothing is left out when the client or the
    server stands still. Raises ValueError for a value that makes no sense.
    """

    rate: float
    seconds: float = 8.0
    arrivals: Literal["poisson", "even"] = "poisson"
    warmup: float = 0.5
    slice_seconds: float = 1.0
    patience: float = 10.0
    requests: int | None = None
    most_in_flight: int = 10_000

    def __post_init__(self) -> None:
        if not _is_finite(self.rate) or not 0 < self.rate <= MOST_PER_SECOND:
            raise ValueError(
                "rate must be a number of requests per second, more than zero and at most "
                f"{MOST_PER_SECOND:,}; it is {self.rate!r}."
            )
        if self.arrivals not in ("poisson", "even"):
            raise ValueError(f'arrivals must be "poisson" or "even"; it is {self.arrivals!r}.')
        _check_whole("most_in_flight", self.most_in_flight)
        _check_times(self)
        if self.rate * self.seconds < 1:
            raise ValueError(
                f"rate must leave room for a request in the {self.seconds:g} seconds of the load; "
                f"at {self.rate:g} a second there is none."
            )


Load = ClosedLoop | OpenLoop
"""Either kind of load."""


def describe(load: Load) -> dict[str, Any]:
    """The settings of a load by name, and which kind it is, for the conditions of a result."""
    return {"loop": "closed" if isinstance(load, ClosedLoop) else "open", **asdict(load)}
