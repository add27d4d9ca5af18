"""Stages of one thing, timed lap by lap."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from labsupport.measuring import Lap, measure_stages, quiet


async def two_stages(lap: Lap) -> None:
    await asyncio.sleep(0.02)
    lap("long")
    await asyncio.sleep(0.002)
    lap("short")


async def test_a_lap_closes_the_stage_that_began_at_the_lap_before() -> None:
    stages = await measure_stages({"a": two_stages}, 5, progress=quiet())
    assert stages.order == ("long", "short")
    short, long = stages.nanoseconds["a"]["short"], stages.nanoseconds["a"]["long"]
    assert len(short) == len(long) == 5
    assert short.min() >= 1e6
    assert long.min() >= 19e6
    assert np.median(short) < np.median(long)
    low, middle, high = stages.quartiles_ms("a", "long") or (0, 0, 0)
    assert 0 < low <= middle <= high and middle == np.median(long) / 1e6


async def test_the_first_turn_is_thrown_away_and_the_arms_run_in_turns() -> None:
    turns: list[str] = []

    def arm(name: str):  # type: ignore[no-untyped-def]
        async def staged(lap: Lap) -> None:
            turns.append(name)
            lap("first" if turns.count(name) == 1 else "later")

        return staged

    stages = await measure_stages({name: arm(name) for name in "abc"}, 8, progress=quiet())
    assert stages.order == ("later",)
    assert all(len(stages.nanoseconds[name]["later"]) == 8 for name in "abc")
    rounds = [tuple(turns[start : start + 3]) for start in range(0, 27, 3)]
    assert all(sorted(order) == ["a", "b", "c"] for order in rounds)
    assert len(set(rounds)) > 1


async def test_a_stage_that_comes_twice_in_a_turn_is_added_up() -> None:
    async def twice(lap: Lap) -> None:
        for _ in range(2):
            await asyncio.sleep(0.003)
            lap("query")

    stages = await measure_stages({"a": twice}, 3, progress=quiet())
    assert stages.nanoseconds["a"]["query"].min() >= 4e6


async def test_a_turn_that_fails_is_counted_and_its_stages_left_out() -> None:
    calls = 0

    async def staged(lap: Lap) -> None:
        nonlocal calls
        calls += 1
        lap("connect")
        if calls % 2 == 0:
            raise ConnectionError
        lap("query")

    stages = await measure_stages({"a": staged}, 6, progress=quiet())
    assert stages.errors == {"a": {"ConnectionError": 3}}
    assert len(stages.nanoseconds["a"]["connect"]) == len(stages.nanoseconds["a"]["query"]) == 3


async def test_a_turn_that_does_not_end_ends_the_whole() -> None:
    async def hang(lap: Lap) -> None:
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    async with asyncio.timeout(20):
        stages = await measure_stages({"a": hang}, 40, patience=0.2, progress=quiet())
    assert stages.errors == {"a": {"not finished within 0.2 s": 1}}
    assert stages.table().empty
    assert asyncio.all_tasks() == before


async def test_an_arm_that_lacks_a_stage_has_no_quartiles_of_it() -> None:
    async def one(lap: Lap) -> None:
        lap("one")

    stages = await measure_stages({"a": two_stages, "b": one}, 3, progress=quiet())
    assert stages.quartiles_ms("b", "long") is None
    assert ("b", "long") not in stages.table().index
    assert stages.table().loc[("a", "long"), "times"] == 3
    with pytest.raises(ValueError, match="no arm 'c'"):
        stages.quartiles_ms("c", "one")


@pytest.mark.parametrize("times", [0, -1, 2.5])
async def test_a_number_of_times_that_makes_no_sense_is_refused(times: int) -> None:
    with pytest.raises(ValueError, match="times"):
        await measure_stages({"a": two_stages}, times)
