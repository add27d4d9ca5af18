"""A closed loop: workers that send one request after the other for a short time."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns

from labsupport.measuring.load import Request
from labsupport.measuring.recording import Record, attempt

__all__ = ["Workers"]


class Workers:
    """The workers of one slice and the moments they share, in `perf_counter_ns`."""

    def __init__(
        self, request: Request, clients: int, seconds: float, record: Record, most: int | None
    ) -> None:
        self.request = request
        self.record = record
        self.left = most if most is not None else -1
        self.start = perf_counter_ns()
        self.deadline = self.start + round(seconds * 1e9)
        self.began = [self.start] * clients
        self.ended = [self.start] * clients
        self.over = False
        self.tasks = [asyncio.create_task(self.work(worker)) for worker in range(clients)]

    @property
    def most_in_flight(self) -> int:
        """How many requests were under way at the same time."""
        return len(self.tasks)

    async def run(self) -> None:
        """Wait until all workers are done. Raises what a worker raised by mistake."""
        await asyncio.gather(*self.tasks)

    async def work(self, worker: int) -> None:
        """Send requests until the deadline; finish and count the one that began before it."""
        keep, request = self.record.keep, self.request
        now = perf_counter_ns()
        while now < self.deadline and self.left != 0:
            self.left -= 1
            self.began[worker] = now
            failure, answer = await attempt(request)
            now = perf_counter_ns()
            if self.over:
                return
            keep(failure, answer, now - self.began[worker])
            if failure is not None:
                # A request that fails at once never waits: let the others have a turn.
                await asyncio.sleep(0)
                now = perf_counter_ns()
        self.ended[worker] = now

    def close(self, patience: float | None) -> int:
        """Close the books; returns how many requests were unfinished.

        They count as errors, given up after `patience` seconds; with None they count as nothing,
        because somebody stopped the run.
        """
        self.over = True
        now = perf_counter_ns()
        unfinished = [worker for worker, task in enumerate(self.tasks) if not task.done()]
        for worker in unfinished:
            if patience is not None:
                failure = f"not finished within {patience:g} s"
                self.record.keep(failure, None, now - self.began[worker])
            self.ended[worker] = now
        return len(unfinished)

    def offered(self) -> None:
        """Nothing is planned in a closed loop."""

    def throughput(self, completed: int) -> float:
        """Requests per second: see `Result.throughput` for the reason of this formula."""
        spent = sum(ended - self.start for ended in self.ended)
        return len(self.ended) * completed / (spent / 1e9) if spent else 0.0
