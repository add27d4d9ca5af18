"""Throughput against concurrency, where the answer is known."""

from __future__ import annotations

import asyncio

import pytest

from labsupport.measuring import quiet, sweep

from .conftest import sleeper


async def test_throughput_grows_with_clients_unless_they_share_one_thing() -> None:
    only_one = asyncio.Semaphore(1)

    async def shared() -> None:
        async with only_one:
            await asyncio.sleep(0.004)

    arms = {"free": sleeper(0.004), "shared": shared}
    swept = await sweep(arms, [1, 8], seconds=2.0, progress=quiet())
    rate = {(point.arm, point.clients): point.throughput for point in swept.points}
    assert rate["free", 8] > 3 * rate["free", 1]
    assert rate["shared", 8] < 1.5 * rate["shared", 1]
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
