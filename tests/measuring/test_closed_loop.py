"""The closed loop against answers that are known beforehand."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import replace

import pytest

from labsupport.measuring import ClosedLoop, measure, quiet

from .conftest import IMPATIENT, SHORT, sleeper


async def test_a_sleeping_request_has_the_latency_and_throughput_of_its_sleep() -> None:
    load = ClosedLoop(clients=10, seconds=1.0, warmup=0.1)
    result = await measure(sleeper(0.005), load, progress=quiet())
    # A timer may wake by one tick of its clock too early, and never earlier.
    assert result.latencies.min() >= 4e6
    p50, p95 = result.percentile(50), result.percentile(95)
    assert p50 is not None and p95 is not None
    assert 4 <= p50 <= p95
    assert 100 < result.throughput <= 10 / 0.004
    assert result.errors == {}
    assert result.requests == len(result.latencies) == sum(s.completed for s in result.slices)


async def test_throughput_times_mean_latency_is_the_number_of_clients() -> None:
    load = ClosedLoop(clients=7, seconds=0.2, warmup=0.0, slice_seconds=0.2)
    result = await measure(sleeper(0.01), load, progress=quiet())
    assert result.mean_ms is not None
    assert result.throughput * result.mean_ms / 1000 == pytest.approx(7, rel=0.1)


async def test_the_ragged_end_of_a_slice_does_not_raise_the_throughput() -> None:
    load = ClosedLoop(clients=10, seconds=0.15, warmup=0.0, slice_seconds=0.15)
    result = await measure(sleeper(0.1), load, progress=quiet())
    # Ten clients that wait 0.1 s each cannot have more than 100 answers a second, although 20
    # answers in a slice of 0.15 s look like 133.
    assert result.requests == 20
    assert result.throughput <= 101


async def test_a_request_that_never_waits_is_not_counted_for_clients_that_had_no_turn() -> None:
    async def busy() -> None:
        end = time.perf_counter() + 0.001
        while time.perf_counter() < end:
            pass

    result = await measure(busy, SHORT, progress=quiet())
    assert 0 < result.throughput <= 1000
    assert result.loop_lag_ms > 50  # the loop was blocked for slices of 100 ms


async def test_the_number_of_requests_at_the_same_time_is_the_number_of_clients() -> None:
    now, most = 0, 0

    async def request() -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.002)
        now -= 1

    await measure(request, replace(SHORT, clients=4), progress=quiet())
    assert most == 4


async def test_errors_are_counted_by_type_and_kept_apart_from_the_latencies() -> None:
    calls: list[str] = []

    async def request() -> None:
        kinds = ("fine", "ValueError", "KeyError", "fine", "fine")
        calls.append(kinds[len(calls) % len(kinds)])
        kind = calls[-1]
        await asyncio.sleep(0.001)
        if kind == "ValueError":
            raise ValueError
        if kind == "KeyError":
            raise KeyError

    result = await measure(request, SHORT, progress=quiet())
    assert result.errors == {kind: calls.count(kind) for kind in ("ValueError", "KeyError")}
    assert len(result.latencies) == calls.count("fine")
    assert len(result.failed_latencies) == len(calls) - calls.count("fine")
    assert result.requests == len(calls)


async def test_a_request_that_fails_at_once_lets_the_rest_of_the_program_run() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def request() -> None:
        raise ConnectionRefusedError

    task = asyncio.create_task(other())
    result = await measure(request, SHORT, progress=quiet())
    task.cancel()
    assert turns > 100
    assert result.throughput == 0
    assert result.mean_ms is None
    assert result.errors["ConnectionRefusedError"] == result.requests > 0


async def test_a_request_that_is_cancelled_by_somebody_else_is_an_error_and_no_end() -> None:
    async def request() -> None:
        await asyncio.sleep(0.001)
        raise asyncio.CancelledError

    result = await measure(request, SHORT, progress=quiet())
    assert result.errors["CancelledError"] > SHORT.clients


@pytest.mark.parametrize("requests", [1, 7, 65])
async def test_a_load_by_count_sends_exactly_that_many(requests: int) -> None:
    calls = now = most = 0

    async def request() -> None:
        nonlocal calls, now, most
        calls, now = calls + 1, now + 1
        most = max(most, now)
        await asyncio.sleep(0.001)
        now -= 1

    load = replace(SHORT, clients=6, requests=requests, seconds=30.0)
    result = await measure(request, load, progress=quiet())
    assert calls == result.requests == requests
    assert result.ended == "all requests sent"
    assert most == min(6, requests)


async def test_a_load_by_count_ends_when_its_time_is_up() -> None:
    load = replace(SHORT, clients=2, requests=1000)
    result = await measure(sleeper(0.05), load, progress=quiet())
    assert result.ended == "time was up"
    assert 0 < result.requests < 100


@pytest.mark.parametrize("warmup", [0.0, 0.02])
async def test_warm_up_is_thrown_away(warmup: float) -> None:
    calls = 0

    async def request() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.06 if calls <= 10 else 0.002)

    result = await measure(request, replace(SHORT, warmup=warmup), progress=quiet())
    slow = int((result.latencies >= 55e6).sum())
    if warmup:
        assert result.requests < calls
        assert slow < 10
    else:
        assert result.requests == calls
        assert slow >= 10


async def test_a_request_that_never_returns_is_counted_and_cannot_hang_the_measurement() -> None:
    async def request() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(20):
        result = await measure(request, replace(IMPATIENT, clients=3), progress=quiet())
    assert result.errors == {"not finished within 0.2 s": 3}
    assert result.throughput == 0
    assert [part.unfinished for part in result.slices] == [3]
    assert result.failed_latencies.min() >= 0.2e9


async def test_a_request_that_refuses_to_be_cancelled_cannot_hang_the_measurement() -> None:
    free = asyncio.Event()

    async def request() -> None:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue

    try:
        async with asyncio.timeout(20):
            result = await measure(request, replace(IMPATIENT, clients=2), progress=quiet())
        assert result.errors == {"not finished within 0.2 s": 2}
    finally:
        free.set()
    await asyncio.sleep(0.01)
    assert len(result.latencies) == 0


async def test_a_request_that_was_given_up_and_then_returns_is_counted_once() -> None:
    async def request() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    result = await measure(request, replace(IMPATIENT, clients=2), progress=quiet())
    assert result.errors == {"not finished within 0.2 s": 2}
    assert result.requests == 2


async def test_cancelling_from_outside_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    load = ClosedLoop(clients=5, seconds=30.0)
    task = asyncio.create_task(measure(sleeper(0.5), load, progress=quiet()))
    await asyncio.sleep(0.1)
    assert len(asyncio.all_tasks() - before) > 5
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"clients": 0},
        {"clients": 2.5},
        {"clients": True},
        {"seconds": 0},
        {"seconds": math.nan},
        {"seconds": math.inf},
        {"seconds": "8"},
        {"warmup": -0.1},
        {"slice_seconds": 0},
        {"patience": 0},
        {"requests": 0},
        {"requests": 1.5},
    ],
)
def test_a_load_that_makes_no_sense_is_refused_with_a_sentence(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} must be .*\\.$"):
        ClosedLoop(**wrong)  # type: ignore[arg-type]


async def test_a_request_that_cannot_be_called_is_refused() -> None:
    request = sleeper(0.001)()
    with pytest.raises(TypeError, match="without brackets"):
        await measure(request, SHORT, progress=quiet())  # type: ignore[arg-type]
    await request
