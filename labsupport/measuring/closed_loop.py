"""One slice of a closed loop: workers that send one request after the other for a short time."""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from collections.abc import Iterable
from time import perf_counter_ns

from labsupport.measuring.load import Request
from labsupport.measuring.results import Slice
from labsupport.measuring.watching import SelfWatch

__all__ = ["Record", "give_up", "run_slice"]

GRACE_SECONDS = 1.0


class Record:
    """What one arm has shown so far. It only grows: nothing that happened is taken back."""

    def __init__(self) -> None:
        self.latencies = array("q")
        self.failed_latencies = array("q")
        self.errors: Counter[str] = Counter()
        self.slices: list[Slice] = []

    def failed(self, name: str, nanoseconds: int) -> None:
        """Count one request that failed, by the name of what it raised."""
        self.errors[name] += 1
        self.failed_latencies.append(nanoseconds)


async def give_up(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait a second for their end; one that refuses to end is left alone."""
    pending = [task for task in tasks if not task.done()]
    for task in pending:
        task.cancel()
        task.add_done_callback(_look_at)
    if pending:
        await asyncio.wait(pending, timeout=GRACE_SECONDS)


def _look_at(task: asyncio.Task[None]) -> None:
    """Take note of a given-up task's exception, so that asyncio does not complain about it."""
    if not task.cancelled():
        task.exception()


class _Workers:
    """The workers of one slice and the moments they share, in `perf_counter_ns`."""

    def __init__(self, request: Request, clients: int, seconds: float, record: Record) -> None:
        self.request = request
        self.record = record
        self.start = perf_counter_ns()
        self.deadline = self.start + round(seconds * 1e9)
        self.began = [self.start] * clients
        self.ended = [self.start] * clients
        self.over = False

    async def work(self, worker: int) -> None:
        """Send requests until the deadline; finish and count the one that began before it."""
        latencies, failed, request = self.record.latencies, self.record.failed, self.request
        now = perf_counter_ns()
        while now < self.deadline:
            self.began[worker] = now
            failure = None
            try:
                await request()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
                failure = "CancelledError"
            except Exception as error:
                failure = type(error).__name__
            now = perf_counter_ns()
            if self.over:
                return
            if failure is None:
                latencies.append(now - self.began[worker])
            else:
                failed(failure, now - self.began[worker])
                # A request that fails at once never waits: let the others have a turn.
                await asyncio.sleep(0)
                now = perf_counter_ns()
        self.ended[worker] = now

    def count_unfinished(self, tasks: list[asyncio.Task[None]], patience: float) -> int:
        """Close the books: who still works is counted as an error. Returns how many that were."""
        self.over = True
        now = perf_counter_ns()
        unfinished = [worker for worker, task in enumerate(tasks) if not task.done()]
        for worker in unfinished:
            self.record.failed(f"not finished within {patience:g} s", now - self.began[worker])
            self.ended[worker] = now
        return len(unfinished)

    def throughput(self, completed: int) -> float:
        """Requests per second: see `Result.throughput` for the reason of this formula."""
        spent = sum(ended - self.start for ended in self.ended)
        return len(self.ended) * completed / (spent / 1e9) if spent else 0.0


async def run_slice(
    request: Request, clients: int, seconds: float, patience: float, record: Record
) -> Slice:
    """Run one slice and add what it showed to `record`. It ends, whatever the requests do.

    A slice that has not ended `patience` seconds after its deadline is broken off.
    Cancelling it cancels its workers.
    """
    completed_before, failed_before = len(record.latencies), record.errors.total()
    watch = SelfWatch()
    watch.start()
    workers = _Workers(request, clients, seconds, record)
    tasks = [asyncio.create_task(workers.work(worker)) for worker in range(clients)]
    try:
        await asyncio.wait(tasks, timeout=seconds + patience)
        unfinished = workers.count_unfinished(tasks, patience)
    finally:
        watch.stop()
        await give_up([*tasks, watch.heartbeat])
    for task in tasks:
        if task.done() and not task.cancelled():
            task.result()
    completed = len(record.latencies) - completed_before
    seen = Slice(
        completed=completed,
        failed=record.errors.total() - failed_before,
        unfinished=unfinished,
        throughput=workers.throughput(completed),
        loop_lag_ms=watch.loop_lag_ms,
        client_cpu=watch.client_cpu,
    )
    record.slices.append(seen)
    return seen
