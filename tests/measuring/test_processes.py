"""A load from several processes: one result, one beginning, one error, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from labsupport.errors import LabError
from labsupport.measuring import ClosedLoop, OpenLoop, Result, processes
from labsupport.measuring.open_loop import planned_moments
from labsupport.measuring.processes import Prepare, delays, measure_in_processes, merged, shares
from labsupport.measuring.results import Slice
from tests.homes import alive, children_naming, wait_until

SHORT = ClosedLoop(clients=4, seconds=0.4, warmup=0.0, slice_seconds=0.2)
LONG = ClosedLoop(clients=2, seconds=60, warmup=0.0, slice_seconds=0.2)


def preparing(request: Callable[[], Awaitable[object]]) -> Prepare:
    """A `prepare` for a request that needs nothing opened."""

    @asynccontextmanager
    async def prepare() -> AsyncIterator[Callable[[], Awaitable[object]]]:
        yield request

    return prepare


def leaving_marks(folder: Path) -> Prepare:
    """A `prepare` that writes down when it was ready, first asked, and closed, by its process.

    The second process to come needs longer. Every fifth request fails.
    """

    @asynccontextmanager
    async def prepare() -> AsyncIterator[Callable[[], Awaitable[object]]]:
        def mark(what: str) -> None:
            (folder / f"{what}-{os.getpid()}").write_text(str(time.perf_counter_ns()), "utf-8")

        try:
            (folder / "first").mkdir()
        except FileExistsError:
            await asyncio.sleep(0.5)
        mark("ready")
        asked = 0

        async def request() -> None:
            nonlocal asked
            asked += 1
            if asked == 1:
                mark("asked")
            print("this must not get between the messages")
            await asyncio.sleep(0.005)
            if asked % 5 == 0:
                raise ValueError("every fifth")

        yield request
        mark("closed")

    return prepare


def marks(folder: Path, what: str) -> dict[str, int]:
    """The moments of one kind by process id."""
    return {
        path.name.split("-")[1]: int(path.read_text("utf-8")) for path in folder.glob(f"{what}-*")
    }


def helpers() -> list[psutil.Process]:
    """The helper processes of this one that are alive."""
    return children_naming("labsupport.measuring.process_child")


async def test_two_processes_begin_together_and_give_one_result(tmp_path: Path) -> None:
    result = await measure_in_processes(leaving_marks(tmp_path), SHORT, processes=2, name="sleep")
    assert isinstance(result, Result)
    ready, asked, closed = (marks(tmp_path, what) for what in ("ready", "asked", "closed"))
    assert len(ready) == len(asked) == len(closed) == 2
    assert str(os.getpid()) not in ready
    assert min(asked.values()) > max(ready.values())
    assert result.clients == 4
    assert len(result.latencies) == sum(part.completed for part in result.slices) > 8
    assert result.latencies.min() >= 4_900_000
    assert result.errors == {"ValueError": len(result.failed_latencies)}
    assert 0.1 < len(result.failed_latencies) / result.requests < 0.3
    assert result.conditions.facts["processes"] == "2"
    assert result.conditions.facts["CPU of each process"].count("%") == 2
    assert result.conditions.load["clients"] == 4
    assert helpers() == []


async def test_a_saved_result_reads_back(tmp_path: Path) -> None:
    load = ClosedLoop(clients=3, seconds=30, warmup=0.0, requests=31)
    result = await measure_in_processes(preparing(lambda: asyncio.sleep(0.001)), load, processes=2)
    assert result.requests == 31
    assert result.ended == "all requests sent"
    again = Result.load(result.save(tmp_path / "result.json"))
    assert again.latencies.tolist() == result.latencies.tolist()
    assert again.slices == result.slices


async def test_an_open_loop_offers_the_whole_rate() -> None:
    load = OpenLoop(rate=60, seconds=1.0, arrivals="even", warmup=0.0)
    result = await measure_in_processes(preparing(lambda: asyncio.sleep(0.001)), load, processes=2)
    assert result.requests == len(result.lateness) == 60
    assert result.offered == pytest.approx(60, rel=0.05)
    assert result.rate == 60
    assert result.clients is None


async def test_what_fails_in_prepare_arrives_as_one_error() -> None:
    @asynccontextmanager
    async def prepare() -> AsyncIterator[Callable[[], Awaitable[object]]]:
        raise ConnectionRefusedError("nobody listens\nthere")
        yield lambda: asyncio.sleep(0)

    with pytest.raises(LabError) as failed:
        await measure_in_processes(prepare, SHORT, processes=2)
    assert "of 2 failed: ConnectionRefusedError: nobody listens there" in str(failed.value)
    assert "Traceback" in "".join(failed.value.__notes__)
    assert helpers() == []


async def test_prepare_has_to_yield_a_function() -> None:
    with pytest.raises(LabError, match="prepare must yield the request"):
        await measure_in_processes(preparing(None), SHORT, processes=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [threading.Lock(), "no function"], ids=["a lock", "a text"])
async def test_what_cannot_be_sent_is_refused(wrong: object) -> None:
    prepare = preparing(lambda: asyncio.sleep(0, wrong))
    with pytest.raises(TypeError, match="prepare"):
        await measure_in_processes(wrong if isinstance(wrong, str) else prepare)  # type: ignore[arg-type]
    assert helpers() == []


async def test_a_process_that_dies_is_named() -> None:
    async def dying() -> None:
        print("goodbye", file=sys.stderr, flush=True)
        os._exit(7)

    with pytest.raises(LabError, match=r"process 1 of 1 ended by itself.* 7, .*goodbye"):
        await measure_in_processes(preparing(dying), SHORT, processes=1)
    assert helpers() == []


async def test_a_process_that_blocks_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    async def blocking() -> None:
        time.sleep(1000)

    monkeypatch.setattr(processes, "SPARE_SECONDS", 1.0)
    with pytest.raises(LabError, match="did not answer within"):
        await measure_in_processes(
            preparing(blocking), ClosedLoop(clients=1, seconds=0.2, warmup=0, patience=0.1),
            processes=1,
        )  # fmt: skip
    assert helpers() == []


async def test_an_interrupt_keeps_what_was_measured() -> None:
    def interrupting(share: float, text: str) -> None:
        if 0 < share < 1:
            signal.raise_signal(signal.SIGINT)

    result = await measure_in_processes(
        preparing(lambda: asyncio.sleep(0.001)), LONG, processes=2, progress=interrupting
    )
    assert result.ended == "stopped"
    assert len(result.latencies) > 0
    assert helpers() == []


async def test_an_interrupt_before_anything_was_measured_says_so() -> None:
    @asynccontextmanager
    async def never_ready() -> AsyncIterator[Callable[[], Awaitable[object]]]:
        await asyncio.sleep(1000)
        yield lambda: asyncio.sleep(0)

    async def interrupt() -> None:
        while len(helpers()) < 2:
            await asyncio.sleep(0.05)
        signal.raise_signal(signal.SIGINT)

    interrupting = asyncio.create_task(interrupt())
    with pytest.raises(LabError, match="stopped before anything was measured"):
        await measure_in_processes(never_ready, LONG, processes=2)
    await interrupting
    assert helpers() == []


async def test_cancelling_ends_the_processes() -> None:
    measuring = asyncio.create_task(
        measure_in_processes(preparing(lambda: asyncio.sleep(0.001)), LONG, processes=2)
    )
    while len(helpers()) < 2:
        assert not measuring.done()
        await asyncio.sleep(0.05)
    measuring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await measuring
    assert helpers() == []


def test_processes_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    # No `if __name__ == "__main__"`: a notebook has none either.
    script.write_text(
        textwrap.dedent(f"""
            import asyncio, os, tempfile
            from contextlib import asynccontextmanager
            from labsupport.measuring import ClosedLoop, measure_in_processes

            tempfile.tempdir = {str(tmp_path)!r}

            @asynccontextmanager
            async def prepare():
                async def request():
                    open({str(tmp_path)!r} + f"/pid-{{os.getpid()}}", "w", encoding="utf-8").close()
                    await asyncio.sleep(0.01)
                yield request

            load = ClosedLoop(clients=2, seconds=300, slice_seconds=300, warmup=0.0)
            asyncio.run(measure_in_processes(prepare, load, processes=2))
        """),
        encoding="utf-8",
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    parent = subprocess.Popen([sys.executable, script], env={**os.environ, "PYTHONPATH": path})
    try:
        wait_until(lambda: len(list(tmp_path.glob("pid-*"))) == 2, "two processes", 60)
    finally:
        parent.kill()
        parent.wait(timeout=20)
    pids = [int(path.name.split("-")[1]) for path in tmp_path.glob("pid-*")]
    wait_until(lambda: not any(map(alive, pids)), "the end of both", 30)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shares_add_up(count: int) -> None:
    closed = shares(ClosedLoop(clients=10, requests=100), count)
    assert len(closed) == count
    assert sum(load.clients for load in closed if isinstance(load, ClosedLoop)) == 10
    assert sum(load.requests or 0 for load in closed) == 100
    opened = shares(OpenLoop(rate=500, most_in_flight=100), count)
    rates = [load.rate for load in opened if isinstance(load, OpenLoop)]
    assert sum(rates) == pytest.approx(500)
    assert all(load.seconds == 8.0 for load in (*closed, *opened))


@pytest.mark.parametrize(
    ("load", "count"),
    [
        (ClosedLoop(), 0),
        (ClosedLoop(), -1),
        (ClosedLoop(), True),
        (ClosedLoop(), 2.0),
        (ClosedLoop(clients=3), 4),
        (ClosedLoop(requests=3), 4),
        (OpenLoop(rate=2, seconds=1), 4),
    ],
)
def test_loads_that_cannot_be_divided_are_refused(load: ClosedLoop | OpenLoop, count: int) -> None:
    with pytest.raises(ValueError):
        shares(load, count)


def test_even_arrivals_of_several_processes_are_even_all_together() -> None:
    load = OpenLoop(rate=300, seconds=1.0, arrivals="even")
    moments = [
        moment + delay
        for part, delay in zip(shares(load, 3), delays(load, 3), strict=True)
        for moment in planned_moments(part, 1.0)  # type: ignore[arg-type]
    ]
    gaps = np.diff(sorted(moments)) / 1e9
    assert len(moments) == 300
    assert gaps == pytest.approx(np.full(299, 1 / 300), rel=0.01)
    assert delays(OpenLoop(rate=300), 3) == delays(ClosedLoop(), 3) == [0, 0, 0]


def test_slices_of_several_processes_become_one() -> None:
    idle = Slice(30, 1, 0, 300.0, 1.0, 0.2, 0.05, None, 5, 2.0)
    full = Slice(10, 0, 2, 100.0, 9.0, 0.5, 0.45, None, 5, 6.0)
    both = merged([idle, full])
    assert (both.completed, both.failed, both.unfinished) == (40, 1, 2)
    assert both.throughput == 400
    assert both.mean_ms == pytest.approx(3.0)
    assert both.most_in_flight == 10
    assert both.offered is None
    # The busiest process decides whether the client was the limit.
    assert (both.client_cpu, both.waiting_for_cpu, both.loop_lag_ms) == (0.5, 0.45, 9.0)
