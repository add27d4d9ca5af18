"""One slice: a short stretch of one load on one request, watched, and ended whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from labsupport.measuring.closed_loop import Workers
from labsupport.measuring.load import ClosedLoop, Load, Request
from labsupport.measuring.open_loop import Arrivals
from labsupport.measuring.recording import Record, give_up
from labsupport.measuring.results import Slice
from labsupport.measuring.stopping import Stop
from labsupport.measuring.watching import SelfWatch

__all__ = ["run_slice"]


async def run_slice(
    request: Request,
    load: Load,
    seconds: float,
    record: Record,
    *,
    most: int | None = None,
    seed: Sequence[int] = (1,),
    stop: Stop | None = None,
) -> Slice:
    """Run one slice and add what it showed to `record`. It ends, whatever the requests do.

    It sends requests for `seconds`, and at most `most`. It is broken off when it has not ended
    the load's patience later, and when `stop` is asked: requests that are then under way count as
    nothing. The `seed` decides random arrivals. Cancelling it cancels its requests.
    """
    completed, ended = len(record.latencies), record.ended
    watch = SelfWatch()
    # The heartbeat first: a request that blocks the loop at once would hide its own lag.
    watch.start()
    if isinstance(load, ClosedLoop):
        crew: Workers | Arrivals = Workers(request, load.clients, seconds, record, most)
    else:
        crew = Arrivals(request, load, seconds, record, most, seed)
    run = asyncio.create_task(crew.run())
    waited = [run, stop.event] if stop is not None else [run]
    limit = seconds + load.patience
    try:
        await asyncio.wait(waited, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        stopped = stop is not None and stop.asked
        offered = crew.offered()
        unfinished = crew.close(None if stopped else load.patience)
    finally:
        watch.stop()
        await give_up([*crew.tasks, run, watch.heartbeat])
    if run.done() and not run.cancelled():
        run.result()
    count = len(record.latencies) - completed
    seen = Slice(
        completed=count,
        failed=record.ended - ended - count,
        unfinished=0 if stopped else unfinished,
        throughput=crew.throughput(count),
        loop_lag_ms=watch.loop_lag_ms,
        client_cpu=watch.client_cpu,
        waiting_for_cpu=watch.waiting_for_cpu,
        offered=offered,
        most_in_flight=crew.most_in_flight,
        # Through a view: a copy would need the memory of a long run a second time.
        mean_ms=float(np.asarray(record.latencies)[completed:].mean()) / 1e6 if count else None,
    )
    record.slices.append(seen)
    return seen
