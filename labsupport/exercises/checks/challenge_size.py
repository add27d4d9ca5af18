"""Challenge 16.1: the smallest pool that meets a target, found by measuring, with the evidence."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

from labsupport.exercises.bench import Bench

__all__ = ["check"]

REQUESTS = 1000
MOST_RUNS = 10
LOOK = "what makes a run meet the target, and which runs prove that a smaller pool does not"


@dataclass(frozen=True)
class Run:
    """What one load on a service with a pool of this size showed."""

    size: int
    requests: int
    failed: int
    p99_ms: float | None


class Service:
    """A service whose answer to each size of its pool is known."""

    def __init__(
        self, smallest: int, target_ms: float, failures: int = 0, silent: bool = False
    ) -> None:
        self.smallest = smallest
        self.target_ms = target_ms
        self.failures = failures
        """With smaller pools so many requests fail at once, and the others look quick."""
        self.silent = silent
        """Of smaller pools there are too few answers to say."""
        self.runs: list[Run] = []

    async def run(self, size: int) -> Run:
        """Measure with a pool of this size."""
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise ValueError(f"A pool has one connection or more, and not {size!r}.")
        seen = self._seen(size)
        self.runs.append(seen)
        return seen

    def _seen(self, size: int) -> Run:
        if size < self.smallest and self.failures:
            return Run(size, REQUESTS, self.failures, self.target_ms / 4)
        if size < self.smallest and self.silent:
            return Run(size, REQUESTS, 0, None)
        if size <= self.smallest // 2:
            return Run(size, REQUESTS, REQUESTS - 5, None)
        if size < self.smallest:
            return Run(size, REQUESTS, 0, self.target_ms * (1 + (self.smallest - size) / 2))
        return Run(size, REQUESTS, 0, self.target_ms * (0.6 + 0.4 / (1 + size - self.smallest)))


CASES = (
    ("a service that needs six connections", Service(6, 150.0), 20),
    ("a service that needs one", Service(1, 80.0), 20),
    ("a service that needs seventeen", Service(17, 200.0), 20),
    ("a service that needs all that it may have", Service(12, 150.0), 12),
    ("a service that refuses half of the requests of a small pool", Service(7, 150.0, 500), 20),
    ("a service that refuses three of a thousand", Service(5, 150.0, 3), 20),
    ("a service of which a small pool answers too few to say", Service(9, 150.0, silent=True), 20),
)


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Services of which the smallest size is known, one of which cannot meet its target."""
    runs = {}
    for name, service, most in CASES:
        found = await bench.run(
            f"choose_size(run, {service.target_ms:g}, {most}) for {name}",
            functools.partial(answer, service.run, service.target_ms, most),
            look="how the search ends, and what `p99_ms` may be: a number, or None",
        )
        _judge(found, name, service, bench)
        runs[name] = len(service.runs)
    await _out_of_reach(answer, bench)
    return {"runs for each service": runs}


def _judge(found: Any, name: str, service: Service, bench: Bench) -> None:
    shape = isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], dict)
    bench.expect(
        shape,
        f"for {name}, choose_size returned {_short(found)}.",
        "a size and a dictionary of the runs, as a tuple.",
        "what is returned",
    )
    size, evidence = found
    bench.expect(
        size != service.smallest + 1 or service.failures > 0 or service.silent,
        f"for {name}, choose_size chose {size}, and with one less p99_ms is {service.target_ms:g}.",
        f"{size - 1 if isinstance(size, int) else size}: at most {service.target_ms:g} ms is met "
        "by that.",
        "what is compared with the target, and how",
    )
    bench.expect(
        size == service.smallest,
        f"for {name}, choose_size chose {size!r}.",
        f"the smallest size that meets {service.target_ms:g} ms, with no request failed.",
        "which runs meet the target: a request that failed has no latency at all",
    )
    wanted = {size, size - 1} - {0}
    bench.expect(
        wanted <= set(evidence),
        f"for {name}, the evidence is about the sizes {sorted(evidence, key=str)}, and the chosen "
        f"one is {size}.",
        "the run of the chosen size, and the one of the size just below it.",
        LOOK,
    )
    bench.expect(
        all(run in service.runs and run.size == key for key, run in evidence.items()),
        f"for {name}, the evidence holds something that is no run of that size.",
        "for each size the object that `run` gave.",
        "what is kept of each run",
    )
    bench.expect(
        len(service.runs) <= MOST_RUNS,
        f"for {name}, {len(service.runs)} loads were run.",
        f"at most {MOST_RUNS}: each takes a quarter of a minute.",
        "which sizes need not be tried, once a larger or a smaller one was",
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + " ..."


async def _out_of_reach(answer: Any, bench: Bench) -> None:
    service = Service(30, 150.0)
    found = await bench.run(
        "choose_size(run, 150, 20) for a service that needs thirty",
        lambda: answer(service.run, 150.0, 20),
        look="how the search ends when no size will do",
    )
    bench.expect(
        isinstance(found, tuple) and found[0] is None,
        f"for a service that needs more than it may have, choose_size returned {_short(found)}.",
        "None as the size.",
        "how the search ends when no size will do",
    )
    largest = max((run.size for run in service.runs), default=math.nan)
    bench.expect(
        largest == 20,
        f"None was returned although the largest size that was tried is {largest}.",
        "that the largest size allowed was tried.",
        "how the search ends when no size will do",
    )
