"""One load driven from several processes, where one Python process is not enough.

One event loop uses one core; a server may have more to give. Each process opens what the request
needs for itself, all begin every slice at the same moment, and their figures become one `Result`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from array import array
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from statistics import median
from time import perf_counter_ns

import cloudpickle

from labsupport.errors import LabError
from labsupport.measuring.conditions import current_conditions
from labsupport.measuring.load import ClosedLoop, Load, OpenLoop, Request, describe
from labsupport.measuring.lock import machine_lock
from labsupport.measuring.process_link import CLOSED, FINISH, STOP, SetUp, Turn
from labsupport.measuring.process_parent import Child
from labsupport.measuring.progress import Progress, Reporter
from labsupport.measuring.recording import Record
from labsupport.measuring.results import TIME_UP, Result, Slice
from labsupport.measuring.rounds import COUNT_REACHED, NOT_FINISHED, TOO_MANY
from labsupport.measuring.stopping import STOPPED, Stop, StoppedTooEarly, stop_on_interrupt

__all__ = ["Prepare", "delays", "measure_in_processes", "merged", "shares"]

Prepare = Callable[[], AbstractAsyncContextManager[Request]]
"""Opens what a request needs in one process, yields the request, and closes it after."""

START_SECONDS = 60.0
SPARE_SECONDS = 20.0
CLOSE_SECONDS = 10.0
HEAD_START_NS = 10_000_000
"""How long before a slice its moment is told, so that it reaches all processes in time."""

logger = logging.getLogger(__name__)


def shares(load: Load, processes: int) -> list[Load]:
    """The load of each process; together they are `load`.

    Clients, a rate, a count of requests and the most in flight are divided as evenly as they can
    be. Raises ValueError when there are fewer clients or requests than processes.
    """
    if not isinstance(processes, int) or isinstance(processes, bool) or processes < 1:
        raise ValueError(f"processes must be a whole number, one or more; it is {processes!r}.")
    counts = [None] * processes if load.requests is None else _parts(load.requests, processes)
    if isinstance(load, OpenLoop):
        most = -(-load.most_in_flight // processes)
        rate = load.rate / processes
        return [replace(load, rate=rate, requests=n, most_in_flight=most) for n in counts]
    clients = _parts(load.clients, processes)
    return [
        replace(load, clients=n, requests=count) for n, count in zip(clients, counts, strict=True)
    ]


def _parts(whole: int, processes: int) -> list[int]:
    if whole < processes:
        raise ValueError(
            f"{whole} cannot be divided among {processes} processes; choose fewer processes."
        )
    return [(whole + index) // processes for index in range(processes)]


def delays(load: Load, processes: int) -> list[int]:
    """By how many ns each process begins a slice later, so that even arrivals are even in all."""
    if isinstance(load, OpenLoop) and load.arrivals == "even":
        return [round(index / load.rate * 1e9) for index in range(processes)]
    return [0] * processes


def merged(parts: Sequence[Slice]) -> Slice:
    """One slice of all processes at the same time.

    Counts and rates are sums. CPU and waiting for it are those of the busiest process, and the lag
    is the largest: as soon as one process is full, the client no longer offers what it should.
    """
    busiest = max(parts, key=lambda part: part.client_cpu + (part.waiting_for_cpu or 0.0))
    completed = sum(part.completed for part in parts)
    weighted = sum(part.completed * (part.mean_ms or 0.0) for part in parts)
    planned = [part.offered for part in parts if part.offered is not None]
    in_flight = [part.most_in_flight for part in parts if part.most_in_flight is not None]
    return Slice(
        completed=completed,
        failed=sum(part.failed for part in parts),
        unfinished=sum(part.unfinished for part in parts),
        throughput=sum(part.throughput for part in parts),
        loop_lag_ms=max(part.loop_lag_ms for part in parts),
        client_cpu=busiest.client_cpu,
        waiting_for_cpu=busiest.waiting_for_cpu,
        offered=sum(planned) if planned else None,
        most_in_flight=sum(in_flight) if in_flight else None,
        mean_ms=weighted / completed if completed else None,
    )


async def measure_in_processes(
    prepare: Prepare,
    load: Load | None = None,
    *,
    processes: int = 2,
    name: str = "request",
    seed: int = 1,
    facts: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Result:
    """Put `load` on a request from several processes at the same time; as `measure` otherwise.

    `prepare` is called in each process, as `async with prepare() as request`; it is sent there by
    cloudpickle, so that a function of a notebook will do. It opens its own connections: an open
    pool cannot be sent. The load is divided among the processes (see `shares`). All of them begin
    each slice at the same moment, after all have warmed up. The conditions of the result say how
    much CPU each process took; the verdict is on the busiest.

    An interrupt (Ctrl-C, the stop button) ends the run and keeps what was measured. Raises
    TypeError when `prepare` cannot be sent, ValueError for a load that cannot be divided, LabError
    when a process fails, ends by itself or does not answer.
    """
    load = load or ClosedLoop()
    parts = shares(load, processes)
    packed = _packed(prepare)
    current_conditions({}, seed, facts)  # Facts that are refused are refused before the run.
    reporter = Reporter(progress)
    async with machine_lock(say=reporter.say):
        with stop_on_interrupt() as stop:
            async with _children(packed, parts, stop) as children:
                run = _Run(children, load, parts, seed, reporter, stop)
                await run.to_the_end()
    done = f"{len(run.slices)} slice{'s' if len(run.slices) != 1 else ''}"
    reporter.finish(f"{done} in {processes} processes; {run.ended}")
    known = {"processes": str(processes), "CPU of each process": run.cpu_of_each()}
    return run.record.result(
        name,
        clients=load.clients if isinstance(load, ClosedLoop) else None,
        rate=load.rate if isinstance(load, OpenLoop) else None,
        ended=run.ended,
        conditions=current_conditions(describe(load), seed, {**(facts or {}), **known}),
    )


def _packed(prepare: Prepare) -> bytes:
    if not callable(prepare):
        raise TypeError("prepare must be a function: pass it without brackets behind it.")
    try:
        return bytes(cloudpickle.dumps(prepare))
    except Exception as error:
        raise TypeError(
            f"prepare cannot be sent to another process ({error}). Open connections, pools and "
            "whatever else belongs to this process inside of it."
        ) from error


@asynccontextmanager
async def _children(packed: bytes, loads: Sequence[Load], stop: Stop) -> AsyncIterator[list[Child]]:
    """A process for each load, ready to begin; none is left after the block."""
    children: list[Child] = []
    try:
        for number, load in enumerate(loads, start=1):
            children.append(Child(f"process {number} of {len(loads)}"))
            # In a thread: a large `prepare` has to wait until the process is there to read it.
            asyncio.get_running_loop().run_in_executor(None, children[-1].tell, SetUp(packed, load))
        await _until_ready(children, stop)
        yield children
    finally:
        for child in children:
            child.end()


async def _until_ready(children: Sequence[Child], stop: Stop) -> None:
    """Wait until all are ready. Raises LabError when one fails or somebody asks for the end."""
    ready = asyncio.gather(*(child.answer(str, START_SECONDS) for child in children))
    try:
        await asyncio.wait([ready, stop.event], return_when=asyncio.FIRST_COMPLETED)
        if stop.asked:
            raise StoppedTooEarly
        await ready
    finally:
        ready.cancel()


class _Run:
    """The turns of all processes, and what they have shown."""

    def __init__(
        self,
        children: Sequence[Child],
        load: Load,
        parts: Sequence[Load],
        seed: int,
        reporter: Reporter,
        stop: Stop,
    ) -> None:
        self.children = children
        self.load = load
        self.parts = parts
        self.seed = seed
        self.reporter = reporter
        self.stop = stop
        self.record = Record()
        self.slices: list[list[Slice]] = []
        self.ended = TIME_UP

    async def to_the_end(self) -> None:
        """Warm up, run turns until the load is done, and collect what every process has kept."""
        telling = asyncio.create_task(self._pass_on())
        try:
            if self.load.warmup:
                self.reporter.report(0.0, f"warming up {len(self.children)} processes")
                await self._turn(self.load.warmup, counts=False)
            await self._turns()
            await self._collect()
        finally:
            telling.cancel()
        if not self.slices:
            raise StoppedTooEarly

    async def _pass_on(self) -> None:
        """Tell every process when somebody asks for the end."""
        await asyncio.shield(self.stop.event)
        for child in self.children:
            child.tell(STOP)

    async def _turns(self) -> None:
        # As in a single process: an open loop, or a count of requests, runs in one piece.
        whole = isinstance(self.load, OpenLoop) or self.load.requests is not None
        seconds = self.load.seconds if whole else self.load.slice_seconds
        start = time.perf_counter()
        while self.ended == TIME_UP and not self.stop.asked:
            together = await self._turn(seconds, counts=True)
            if self.stop.asked and not any(part.completed or part.failed for part in together):
                break
            self.slices.append(together)
            self.record.slices.append(merged(together))
            self._note(self.record.slices[-1])
            elapsed = time.perf_counter() - start
            self.reporter.report(
                elapsed / self.load.seconds, f"{elapsed:.0f} of {self.load.seconds:g} s"
            )
            if whole or elapsed + seconds / 2 > self.load.seconds:
                break
        if self.stop.asked:
            self.ended = STOPPED

    def _note(self, seen: Slice) -> None:
        """Note why the run cannot go on, or that it is done."""
        sent = seen.completed + seen.failed
        most = self.load.most_in_flight if isinstance(self.load, OpenLoop) else None
        if most is not None and (seen.most_in_flight or 0) >= most:
            self.ended = TOO_MANY
        elif seen.unfinished:
            self.ended = NOT_FINISHED
        elif self.load.requests is not None and sent >= self.load.requests:
            self.ended = COUNT_REACHED

    async def _turn(self, seconds: float, counts: bool) -> list[Slice]:
        """Let all processes run at the same moment; returns the slice of each."""
        start = perf_counter_ns() + HEAD_START_NS
        later = delays(self.load, len(self.children))
        for index, (child, part) in enumerate(zip(self.children, self.parts, strict=True)):
            seed = (self.seed, len(self.slices), index)
            most = part.requests if counts else None
            child.tell(Turn(start + later[index], seconds, most, seed, counts))
        limit = seconds + self.load.patience + SPARE_SECONDS
        return await asyncio.gather(*(child.answer(Slice, limit) for child in self.children))

    async def _collect(self) -> None:
        """Put every process's record into one, then let the processes close what they opened."""
        for child in self.children:
            child.tell(FINISH)
        for child in self.children:
            _add(self.record, await child.answer(Record, SPARE_SECONDS))
        for child in self.children:
            try:
                if await child.answer(str, CLOSE_SECONDS) != CLOSED:
                    raise LabError(f"The {child.label} did not close what it opened.")
            except LabError as error:
                # What was measured is whole and stays; the process is ended anyway.
                logger.warning("after the measurement: %s", error)

    def cpu_of_each(self) -> str:
        """The share of a core that each process took, the median of its slices."""
        each = zip(*self.slices, strict=True)
        return ", ".join(f"{median(part.client_cpu for part in own):.0%}" for own in each)


def _add(whole: Record, part: Record) -> None:
    """Add what a process kept of each request; its slices are merged already."""
    for name, kept in vars(part).items():
        if isinstance(kept, array):
            getattr(whole, name).extend(kept)
    whole.errors.update(part.errors)
