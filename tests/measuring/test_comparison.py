"""Turns in shuffled rounds, the ratio's direction and interval, and when a comparison ends."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest

from labsupport.measuring import ClosedLoop, Comparison, compare, quiet
from labsupport.measuring.comparison import ratio_of

from .conftest import IMPATIENT, SHORT, sleeper

TURNS = ClosedLoop(clients=2, seconds=0.4, warmup=0.0, slice_seconds=0.01)


async def test_the_ratio_of_two_sleepers_is_that_of_their_sleeps() -> None:
    load = ClosedLoop(clients=10, seconds=6.0, warmup=0.05, slice_seconds=0.1)
    # So long that a busy machine, which wakes a sleeper some milliseconds late, does not matter.
    arms = {"40 ms": sleeper(0.04), "10 ms": sleeper(0.01)}
    comparison = await compare(arms, load, progress=quiet())
    ratio = comparison.ratio()
    assert ratio.low <= ratio.median <= ratio.high
    assert ratio.low <= 4.5
    assert ratio.high >= 2.5
    assert ratio == comparison.ratio("10 ms")
    assert ratio.rounds == len(ratio.per_round) == len(comparison.orders) >= 7


async def test_the_first_arm_is_the_baseline() -> None:
    slow, fast = sleeper(0.1), sleeper(0.01)
    forth = await compare({"slow": slow, "fast": fast}, SHORT, progress=quiet())
    back = await compare({"fast": fast, "slow": slow}, SHORT, progress=quiet())
    assert forth.baseline == "slow"
    assert forth.ratio().median > 2
    assert back.ratio().median < 0.5


def test_swapping_the_arms_gives_the_inverse_of_every_round() -> None:
    a, b = [100.0, 120.0, 90.0], [400.0, 300.0, 450.0]
    forth, back = ratio_of(a, b, 1), ratio_of(b, a, 1)
    assert forth.per_round == (4.0, 2.5, 5.0)
    assert back.per_round == pytest.approx([1 / ratio for ratio in forth.per_round])
    assert back.median == pytest.approx(1 / forth.median)


async def orders(seed: int) -> tuple[tuple[str, ...], ...]:
    arms = {name: sleeper(0.001) for name in "abc"}
    comparison = await compare(arms, TURNS, seed=seed, precision=0.001, progress=quiet())
    return comparison.orders


async def test_every_round_holds_each_arm_once_in_an_order_of_the_seed() -> None:
    first, again, other = await orders(1), await orders(1), await orders(2)
    assert all(sorted(order) == ["a", "b", "c"] for order in first)
    assert len(set(first)) > 1
    both = min(len(first), len(again))
    assert both >= 3
    assert first[:both] == again[:both]
    assert first[: len(other)] != other[: len(first)]


async def test_the_arms_run_in_turn_and_not_at_the_same_time() -> None:
    running: set[str] = set()
    together: list[set[str]] = []

    def arm(name: str):  # type: ignore[no-untyped-def]
        async def request() -> None:
            running.add(name)
            together.append(set(running))
            await asyncio.sleep(0.001)
            running.discard(name)

        return request

    load = replace(TURNS, clients=1)
    await compare({"a": arm("a"), "b": arm("b")}, load, precision=0.001, progress=quiet())
    assert {frozenset(names) for names in together} == {frozenset("a"), frozenset("b")}


async def test_it_ends_when_the_interval_is_narrow_enough() -> None:
    load = replace(TURNS, seconds=30.0, slice_seconds=0.05)
    arms = {"a": sleeper(0.01), "b": sleeper(0.01)}
    comparison = await compare(arms, load, precision=0.5, progress=quiet())
    assert comparison.ended == "interval reached"
    assert comparison.ratio().half_width <= 0.5
    assert len(comparison.orders) >= 7


async def test_it_ends_when_the_time_is_up() -> None:
    arms = {"a": sleeper(0.01), "b": sleeper(0.001)}
    comparison = await compare(arms, SHORT, precision=0.0001, progress=quiet())
    assert comparison.ended == "time was up"
    assert len(comparison.orders) < 7


async def test_it_ends_with_the_round_in_which_requests_did_not_finish() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    load = replace(IMPATIENT, seconds=60.0)
    async with asyncio.timeout(20):
        comparison = await compare({"a": sleeper(0.001), "b": hang}, load, progress=quiet())
    assert comparison.ended == "requests did not finish"
    assert comparison.results["a"].requests > 0
    assert comparison.results["b"].errors == {"not finished within 0.2 s": 10}
    assert comparison.ratio().median == 0


async def fail() -> None:
    await asyncio.sleep(0.001)
    raise ConnectionError


async def test_a_baseline_that_always_fails_gives_no_ratio_and_no_crash() -> None:
    comparison = await compare({"a": fail, "b": sleeper(0.001)}, SHORT, progress=quiet())
    ratio = comparison.ratio()
    assert math.isnan(ratio.median)
    assert ratio.rounds == 0
    assert comparison.results["a"].errors["ConnectionError"] > 0


async def test_the_conclusion_names_the_ratio_or_says_why_there_is_none() -> None:
    arms = {"slow": sleeper(0.02), "fast": sleeper(0.002)}
    compared = await compare(arms, SHORT, progress=quiet())
    part = replace(compared.results["fast"].slices[0], client_cpu=0.2, waiting_for_cpu=0.0,
                   loop_lag_ms=0.0)  # fmt: skip
    calm = {name: replace(r, slices=(replace(part, throughput=r.throughput),))
            for name, r in compared.results.items()}  # fmt: skip
    said = replace(compared, results=calm).conclusion()
    assert said.startswith("'fast' answered ") and "as many requests a second as 'slow'" in said
    full = {name: replace(r, slices=(replace(r.slices[0], client_cpu=1.0),))
            for name, r in calm.items()}  # fmt: skip
    said = replace(compared, results=full).conclusion()
    assert said.startswith("No conclusion about the database from ")
    assert "this client was the limit" in said


async def test_a_comparison_in_which_nothing_succeeded_has_no_conclusion() -> None:
    compared = await compare({"a": fail, "b": fail}, SHORT, progress=quiet())
    assert compared.conclusion().startswith("No conclusion: No request of 'a' succeeded")


async def test_the_table_has_a_row_for_each_arm() -> None:
    load = ClosedLoop(clients=10, seconds=1.0, warmup=0.0, slice_seconds=0.25)
    comparison = await compare({"a": sleeper(0.002), "b": fail}, load, progress=quiet())
    table = comparison.table()
    assert list(table.index) == ["a", "b"]
    assert table.loc["a", "requests"] == comparison.results["a"].requests
    assert table.loc["a", "p50 ms"] == comparison.results["a"].percentile(50)
    assert table.loc["a", "lower quartile 1/s"] <= table.loc["a", "throughput 1/s"]
    assert table.loc["a", "throughput 1/s"] <= table.loc["a", "upper quartile 1/s"]
    assert table.loc["b", "errors"] == table.loc["b", "requests"] > 0
    assert table.loc["b", "throughput 1/s"] == 0
    assert math.isnan(table.loc["b", "p50 ms"])


async def test_arguments_that_make_no_sense_are_refused() -> None:
    one = {"a": sleeper(0.001)}
    with pytest.raises(ValueError, match="at least 2"):
        await compare(one, SHORT)
    for precision in (0, 1, -0.1):
        with pytest.raises(ValueError, match="precision"):
            await compare(one | {"b": sleeper(0.001)}, SHORT, precision=precision)


async def test_a_ratio_of_an_unknown_arm_is_refused() -> None:
    comparison: Comparison = await compare(
        {"a": sleeper(0.001), "b": sleeper(0.001)}, SHORT, progress=quiet()
    )
    for name in ("c", "a"):
        with pytest.raises(ValueError, match=f"no ratio of '{name}'"):
            comparison.ratio(name)
