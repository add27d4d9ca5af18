"""Throughput against concurrency, where the answer is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from labsupport.measuring import ClosedLoop, OpenLoop, Request, Sweep, quiet, sweep, sweep_over

from .conftest import SHORT, sleeper


async def test_throughput_grows_with_clients_unless_they_share_one_thing() -> None:
    only_one = asyncio.Semaphore(1)

    async def shared() -> None:
        async with only_one:
            await asyncio.sleep(0.004)

    arms = {"free": sleeper(0.004), "shared": shared}
    swept = await sweep(arms, [1, 8], seconds=2.0, progress=quiet())
    rate = {(point.arm, point.clients): point.throughput for point in swept.points}
    assert rate["free", 8] > 3 * rate["free", 1]
    # One after the other, 4 ms each; a timer may wake by one tick of its clock too early.
    assert rate["shared", 8] < min(260, rate["free", 8] / 2)
    waits = [point.p50_ms for point in swept.of("shared")]
    assert waits[0] is not None and waits[1] is not None
    assert waits[1] > 3 * waits[0]


async def test_each_arm_can_have_its_own_clients() -> None:
    arms = {"a": sleeper(0.01), "b": sleeper(0.01)}
    swept = await sweep(arms, {"b": [2], "a": [3, 1, 3]}, seconds=0.1, progress=quiet())
    assert [(point.arm, point.clients) for point in swept.points] == [("a", 1), ("a", 3), ("b", 2)]
    assert swept.rounds == 3
    assert swept.arms == ("a", "b")
    assert list(swept.table().index) == [("a", 1), ("a", 3), ("b", 2)]
    assert all(point.lower <= point.throughput <= point.upper for point in swept.points)
    assert swept.conditions.load["clients"] == {"a": [1, 3], "b": [2]}


async def test_errors_are_in_the_points() -> None:
    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise ConnectionError

    swept = await sweep({"a": fail}, [2], seconds=0.1, progress=quiet())
    point = swept.points[0]
    assert point.errors == {"ConnectionError": point.requests}
    assert point.throughput == 0
    assert point.p50_ms is None
    assert "a, 2 clients" in point.verdict().sentence


@pytest.mark.parametrize("clients", [[], [0], [1.5], {"b": [1]}, {"a": []}, {"a": [1], "b": [1]}])
async def test_clients_that_make_no_sense_are_refused(clients: list[int]) -> None:
    with pytest.raises(ValueError, match="clients"):
        await sweep({"a": sleeper(0.01)}, clients, progress=quiet())


@asynccontextmanager
async def sleeping(milliseconds: float) -> AsyncIterator[Request]:
    """A request that is as far away as the value says."""
    yield sleeper(milliseconds / 1000)


@asynccontextmanager
async def two_at_once(rate: float) -> AsyncIterator[Request]:
    """A request of which two can run at the same time, for 20 ms each: 100 a second in all."""
    places = asyncio.Semaphore(2)

    async def request() -> None:
        async with places:
            await asyncio.sleep(0.02)

    yield request


async def test_a_sweep_over_anything_has_arms_and_values_of_its_own(tmp_path: Path) -> None:
    load = replace(SHORT, clients=2)
    makers = {"near": sleeping, "far": lambda value: sleeping(value + 50)}
    swept = await sweep_over("ms", [20, 0, 20], makers, load, seconds=0.5, progress=quiet())
    assert [(p.arm, p.at) for p in swept.points] == [
        ("near", 0), ("near", 20), ("far", 0), ("far", 20),
    ]  # fmt: skip
    near = swept.of("near")
    assert near[0].throughput > 2 * near[1].throughput
    assert all(len(point.rates) == swept.rounds for point in swept.points)
    assert list(swept.table().index.names) == ["arm", "ms"]
    assert swept.conditions.load["over"] == "ms"
    knee = swept.knee("near")
    assert knee is not None and knee.value == 0
    with pytest.raises(ValueError, match="no arm 'elsewhere'"):
        swept.knee("elsewhere")
    assert Sweep.load(swept.save(tmp_path / "s.json")) == swept


async def test_a_sweep_over_arrival_rates_finds_the_rate_before_the_queue_grows(
    tmp_path: Path,
) -> None:
    def load(rate: float) -> OpenLoop:
        return OpenLoop(rate, slice_seconds=0.8, arrivals="even")

    swept = await sweep_over(
        "requests a second", [30, 60, 300], two_at_once, load, seconds=1.0, progress=quiet()
    )
    assert [point.offered for point in swept.points] == pytest.approx([30, 60, 300], rel=0.1)
    assert swept.points[-1].throughput <= 101
    knee = swept.knee()
    assert knee is not None and knee.value < 300 and not knee.at_end
    assert "latency" in knee.rule
    assert Sweep.load(swept.save(tmp_path / "s.json")) == swept


async def test_what_cannot_be_opened_or_makes_no_sense_is_refused() -> None:
    @asynccontextmanager
    async def broken(value: float) -> AsyncIterator[Request]:
        raise ConnectionError("nobody is there")
        yield sleeper(0.1)

    before = asyncio.all_tasks()
    with pytest.raises(ConnectionError, match="nobody is there"):
        await sweep_over("ms", [1], broken, SHORT, progress=quiet())
    assert asyncio.all_tasks() == before
    with pytest.raises(ValueError, match="no values of ms"):
        await sweep_over("ms", [], sleeping, SHORT, progress=quiet())
    with pytest.raises(ValueError, match="clients"):
        await sweep_over("n", [0], sleeping, lambda n: ClosedLoop(int(n)), progress=quiet())
    with pytest.raises(TypeError, match="called"):
        await sweep_over("ms", [1], {"a": 5}, SHORT, progress=quiet())  # type: ignore[dict-item]
