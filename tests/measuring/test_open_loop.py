"""The open loop against answers that are known beforehand."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from labsupport.errors import LabError
from labsupport.measuring import ClosedLoop, OpenLoop, Parts, compare, measure, quiet, rounds
from labsupport.measuring.open_loop import planned_moments
from labsupport.pooling.queueing import erlang_c, mean_wait

from .conftest import sleeper
from .queue_simulation import simulated_waits

CALM = OpenLoop(100, seconds=0.3, warmup=0.0)


def test_random_arrivals_have_the_gaps_of_a_poisson_process() -> None:
    moments = planned_moments(OpenLoop(1000), 500.0)
    gaps = np.diff(moments) / 1e9
    assert len(moments) == pytest.approx(500_000, rel=0.005)
    assert gaps.mean() == pytest.approx(1 / 1000, rel=0.005)
    assert gaps.std() / gaps.mean() == pytest.approx(1, rel=0.005)
    # The counts of a Poisson process vary as much as their mean, and no gap knows of the last.
    counts = np.bincount((moments // 1e8).astype(int))
    assert counts.var() == pytest.approx(counts.mean(), rel=0.1)
    assert abs(np.corrcoef(gaps[:-1], gaps[1:])[0, 1]) < 0.01


def test_even_arrivals_have_equal_gaps() -> None:
    moments = planned_moments(OpenLoop(200, arrivals="even"), 2.0)
    assert len(moments) == 400
    assert np.abs(np.diff(moments) - 5_000_000).max() <= 1
    assert moments[-1] < 2e9


def test_the_seed_decides_the_arrivals_and_a_count_cuts_them_off() -> None:
    load = OpenLoop(50)
    first = planned_moments(load, 4.0, seed=(1, 0))
    assert planned_moments(load, 4.0, seed=(1, 0)).tolist() == first.tolist()
    assert planned_moments(load, 4.0, seed=(1, 1)).tolist() != first.tolist()
    assert planned_moments(load, 4.0, most=10, seed=(1, 0)).tolist() == first[:10].tolist()


def staller(stands_still: float) -> Callable[[], Awaitable[None]]:
    """A server that answers in 2 ms, but stands still for a second from some moment on."""
    start = time.monotonic()

    async def request() -> None:
        passed = time.monotonic() - start
        if stands_still < passed < stands_still + 1:
            await asyncio.sleep(stands_still + 1 - passed)
        await asyncio.sleep(0.002)

    return request


async def test_a_server_that_stands_still_is_seen_by_the_open_loop_and_not_by_the_closed() -> None:
    opened = await measure(staller(0.7), OpenLoop(400, seconds=2.4, warmup=0.0), progress=quiet())
    # Two clients wait out the second with one request each, of some hundreds.
    closed = await measure(
        staller(0.7), ClosedLoop(clients=2, seconds=2.4, warmup=0.0), progress=quiet()
    )
    seen, hidden = opened.percentile(95), closed.percentile(95)
    assert seen is not None and hidden is not None
    # A third of the planned requests fall into that second, evenly: 85 of 100 wait less than
    # 0.65 s of it, and one in twenty waits longer.
    assert seen > 500
    assert hidden < seen / 5
    assert (closed.latencies > 500e6).sum() <= 2
    assert (opened.latencies > 500e6).sum() > 50


async def test_the_latency_runs_from_the_planned_moment_also_when_the_client_was_late() -> None:
    blocked = False

    async def request() -> None:
        nonlocal blocked
        if not blocked:
            blocked = True
            time.sleep(0.5)

    load = OpenLoop(100, seconds=0.4, arrivals="even", warmup=0.0)
    result = await measure(request, load, progress=quiet())
    assert result.requests == len(result.lateness) == 40
    # Every request was planned within 0.4 s but could not begin before 0.5 s.
    assert (result.lateness[1:] > 90e6).all()
    assert (result.latencies[1:] >= result.lateness[1:]).all()
    assert result.lateness_ms is not None and result.lateness_ms > 200
    assert result.verdict().limited_by == "client"
    assert not result.verdict().concludes


async def test_offered_and_achieved_throughput_are_both_known() -> None:
    kept = await measure(sleeper(0.002), OpenLoop(200, seconds=1.0, warmup=0.1), progress=quiet())
    assert kept.offered == pytest.approx(200, rel=0.3)
    assert kept.throughput == pytest.approx(kept.offered, rel=0.2)
    only_one = asyncio.Semaphore(1)

    async def narrow() -> None:
        async with only_one:
            await asyncio.sleep(0.02)

    load = OpenLoop(200, seconds=0.8, warmup=0.0)
    result = await measure(narrow, load, progress=quiet())
    assert result.offered == pytest.approx(200, rel=0.3)
    assert result.throughput <= 51
    assert result.most_in_flight is not None and result.most_in_flight > 50
    assert result.clients is None
    assert result.load_words == "200 requests a second"
    assert {"offered 1/s", "sent late ms"} <= set(result.table().columns)


async def test_requests_in_flight_are_rate_times_mean_latency() -> None:
    """Little's law, with the requests in flight counted by the request itself."""
    now, since, total = 0, 0, 0

    def change(by: int) -> None:
        nonlocal now, since, total
        moment = time.perf_counter_ns()
        total, since, now = total + now * (moment - since), moment, now + by

    moments = itertools.count()

    async def request() -> None:
        change(1)
        await asyncio.sleep(0.02 + 0.01 * (next(moments) % 3))
        change(-1)

    since = start = time.perf_counter_ns()
    load = OpenLoop(300, seconds=1.5, warmup=0.0)
    result = await measure(request, load, progress=quiet())
    spent = since - start
    # The latency counts from the plan, the request's own count from its start.
    inside = result.latencies.sum() - result.lateness.sum()
    rate = result.requests / spent
    assert total / spent == pytest.approx(rate * inside / result.requests, rel=0.02)


async def test_waits_are_those_of_a_simulation_of_the_same_arrivals_and_holds() -> None:
    connections, rate, hold = 4, 80.0, 0.04
    holds = np.random.default_rng(5).exponential(hold, 2000)
    queue = asyncio.Semaphore(connections)
    numbers = itertools.count()
    held: list[float] = []

    async def request() -> Parts:
        number = next(numbers)
        asked = time.perf_counter_ns()
        async with queue:
            got = time.perf_counter_ns()
            await asyncio.sleep(holds[number])
        held.append(holds[number])
        return Parts(wait=got - asked, use=time.perf_counter_ns() - got)

    load = OpenLoop(rate, seconds=4.0, warmup=0.0)
    result = await measure(request, load, seed=3, progress=quiet())
    moments = planned_moments(load, 4.0, seed=(3, 0))
    assert len(moments) == result.requests == len(result.parts["wait"])
    # Each request holds its connection as long as it really did: a timer's lateness makes the
    # queue longer, and is the event loop's and not the queue's.
    late = float(result.parts["use"].mean()) / 1e9 - np.mean(held)
    expected = simulated_waits(moments / 1e9, holds[: len(moments)] + late, connections).mean()
    seen = float(result.parts["wait"].mean()) / 1e9
    floor = 0.002 + 2 * late + (result.lateness_ms or 0) / 1e3
    assert expected > 0.005
    assert seen == pytest.approx(expected, rel=0.15, abs=floor)
    assert result.part_ms("wait") == pytest.approx(seen * 1000)


def test_the_simulation_agrees_with_erlang_over_a_million_arrivals() -> None:
    connections, rate, hold, many = 5, 80.0, 0.05, 1_000_000
    chance = np.random.default_rng(11)
    arrivals = chance.exponential(1 / rate, many).cumsum()
    waits = simulated_waits(arrivals, chance.exponential(hold, many), connections)
    assert (waits > 0).mean() == pytest.approx(erlang_c(connections, rate * hold), rel=0.02)
    assert waits.mean() == pytest.approx(mean_wait(connections, rate, hold), rel=0.04)


async def test_a_rate_that_the_client_cannot_keep_is_refused() -> None:
    calls = 0

    async def request() -> None:
        nonlocal calls
        calls += 1

    with pytest.raises(LabError, match="cannot send 900,000 requests a second"):
        await measure(request, OpenLoop(900_000, seconds=0.2), progress=quiet())
    assert calls == 0


async def test_a_rate_is_refused_only_when_every_try_falls_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reached = iter([10.0, 95.0, 10.0, 10.0, 10.0])

    async def some_rate(load: OpenLoop) -> float:
        return next(reached)

    monkeypatch.setattr(rounds, "reached_rate", some_rate)
    assert (await measure(sleeper(0.001), CALM, progress=quiet())).requests > 10
    with pytest.raises(LabError, match="it reached 10"):
        await measure(sleeper(0.001), CALM, progress=quiet())


async def test_too_many_requests_in_flight_end_the_run_and_it_says_so() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    load = OpenLoop(500, seconds=30.0, warmup=0.0, patience=0.2, most_in_flight=20)
    async with asyncio.timeout(20):
        result = await measure(hang, replace(load, seconds=0.5), progress=quiet())
    assert result.ended == "too many requests in flight"
    assert result.most_in_flight == 20
    assert result.errors == {"not finished within 0.2 s": 20}
    assert result.verdict().limited_by == "unknown"


async def test_a_load_by_count_sends_exactly_that_many() -> None:
    calls = 0

    async def request() -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.001)

    load = OpenLoop(400, requests=60, warmup=0.0)
    result = await measure(request, load, progress=quiet())
    assert calls == result.requests == 60
    assert result.ended == "all requests sent"
    compared = await compare({"a": request, "b": request}, load, progress=quiet())
    assert [one.requests for one in compared.results.values()] == [60, 60]
    assert len(compared.orders) == 10
    # Both arms have the same arrivals in each round.
    offered = [[part.offered for part in one.slices] for one in compared.results.values()]
    assert offered[0] == pytest.approx(offered[1])


async def test_errors_and_requests_that_block_the_loop_are_in_the_result() -> None:
    async def fail() -> None:
        raise ConnectionRefusedError

    result = await measure(fail, CALM, progress=quiet())
    assert result.errors == {"ConnectionRefusedError": result.requests}
    assert result.requests > 10
    assert result.throughput == 0
    assert result.verdict().limited_by == "unknown"
    assert "No request of 'request' succeeded" in result.verdict().sentence

    async def block() -> None:
        time.sleep(0.05)

    blocked = await measure(block, CALM, progress=quiet())
    assert blocked.verdict().limited_by == "client"


async def test_cancelling_an_open_loop_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    load = OpenLoop(100, seconds=30.0, warmup=0.0)
    task = asyncio.create_task(measure(sleeper(5), load, progress=quiet()))
    async with asyncio.timeout(20):
        while len(asyncio.all_tasks() - before) < 10:
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0},
        {"rate": -1},
        {"rate": math.nan},
        {"rate": True},
        {"rate": 2_000_000},
        {"rate": 0.01},
        {"rate": 10, "arrivals": "sometimes"},
        {"rate": 10, "most_in_flight": 0},
        {"rate": 10, "requests": 0},
        {"rate": 10, "seconds": 0},
        {"rate": 10, "patience": -1},
    ],
)
def test_an_open_loop_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"^{list(wrong)[-1]} must .*\\.$"):
        OpenLoop(**wrong)  # type: ignore[arg-type]
