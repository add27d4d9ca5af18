"""Percentiles, the client's share, and files that give back exactly what was saved."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labsupport.errors import LabError
from labsupport.measuring import (
    Comparison,
    OpenLoop,
    Parts,
    Result,
    Stages,
    Sweep,
    compare,
    measure,
    measure_stages,
    quiet,
    sweep,
    watch,
    watching,
)
from labsupport.measuring.arithmetic import median_interval, percentile_ms
from labsupport.measuring.conditions import current_conditions

from .conftest import SHORT, sleeper


def test_a_percentile_is_a_latency_that_a_request_really_had() -> None:
    latencies = np.arange(1, 1001, dtype=np.int64) * 1_000_000
    np.random.default_rng(1).shuffle(latencies)
    assert percentile_ms(latencies, 50) == 500
    assert percentile_ms(latencies, 99) == 990
    assert percentile_ms(np.full(10_000, 7_000_000), 99.9) == 7


def test_a_percentile_needs_ten_samples_beyond_it() -> None:
    latencies = np.arange(999, dtype=np.int64)
    assert percentile_ms(latencies, 99) is None
    assert percentile_ms(np.append(latencies, 999), 99) is not None
    assert percentile_ms(latencies[:19], 50) is None
    assert percentile_ms(latencies[:20], 50) is not None
    assert percentile_ms(latencies[:0], 50) is None


@pytest.mark.parametrize("p", [0, 100, -1, 120])
def test_a_percentile_lies_between_0_and_100(p: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        percentile_ms(np.arange(1000), p)


def test_the_interval_holds_the_median_and_narrows_with_more_rounds() -> None:
    values = np.random.default_rng(2).normal(50, 5, 400)
    few, many = median_interval(values[:10], 1), median_interval(values, 1)
    assert few[0] <= np.median(values[:10]) <= few[1]
    assert many[0] <= 50 <= many[1]
    assert many[1] - many[0] < (few[1] - few[0]) / 2
    assert median_interval(values, 1) == many != median_interval(values, 2)


def test_the_latencies_cannot_be_changed() -> None:
    result = asyncio.run(measure(sleeper(0.005), SHORT, progress=quiet()))
    with pytest.raises(ValueError, match="read-only"):
        result.latencies[0] = 1


async def test_a_sleeping_request_is_not_limited_by_the_client() -> None:
    result = await measure(sleeper(0.02), SHORT, progress=quiet())
    assert result.client_cpu < 0.9


async def test_a_request_that_computes_takes_the_cpu_of_this_process() -> None:
    async def busy() -> None:
        sum(range(20_000))
        await asyncio.sleep(0)

    calm = await measure(sleeper(0.02), SHORT, progress=quiet())
    loaded = await measure(busy, SHORT, progress=quiet())
    assert loaded.client_cpu > calm.client_cpu


async def test_a_client_that_fills_its_core_is_named_as_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The CPU clock runs with the wall's, as it does on a machine with a core to spare.
    monkeypatch.setattr(watching.time, "process_time", time.perf_counter)
    requests = {"a": sleeper(0.002), "b": sleeper(0.003)}
    comparison = await compare(requests, SHORT, progress=quiet())
    assert comparison.verdict().limited_by == "client"
    assert not comparison.verdict().concludes
    assert comparison.conclusion().startswith("No conclusion about the database")
    assert "'a'" in comparison.verdict().sentence
    assert {v.limited_by for v in comparison.limits.values()} == {"client"}


async def some_comparison() -> Comparison:
    async def fails_sometimes() -> None:
        await asyncio.sleep(0.002)
        if time.perf_counter_ns() % 3 == 0:
            raise ValueError

    requests = {"erste Wahl: ä": sleeper(0.002), "second": fails_sometimes}
    return await compare(requests, SHORT, facts={"server": "PostgreSQL"}, progress=quiet())


def same_result(one: Result, other: Result) -> None:
    assert one.latencies.tolist() == other.latencies.tolist()
    assert one.failed_latencies.tolist() == other.failed_latencies.tolist()
    assert not other.latencies.flags.writeable
    assert one.lateness.tolist() == other.lateness.tolist()
    assert {name: values.tolist() for name, values in one.parts.items()} == {
        name: values.tolist() for name, values in other.parts.items()
    }
    for name in ("name", "clients", "rate", "ended", "errors", "slices", "conditions"):
        assert getattr(one, name) == getattr(other, name)


async def test_a_comparison_comes_back_from_its_file_exactly(tmp_path: Path) -> None:
    comparison = await some_comparison()
    again = Comparison.load(comparison.save(tmp_path / "c.json"))
    assert list(again.results) == list(comparison.results)
    for name, result in comparison.results.items():
        same_result(result, again.results[name])
    assert again.ratio() == comparison.ratio()
    assert again.table().equals(comparison.table())
    for name in ("orders", "seconds", "ended", "conditions"):
        assert getattr(again, name) == getattr(comparison, name)
    assert [path.name for path in tmp_path.glob("*.json*")] == ["c.json"]


async def test_results_sweeps_and_stages_come_back_exactly(tmp_path: Path) -> None:
    result = await measure(sleeper(0.003), SHORT, name="one", progress=quiet())
    same_result(result, Result.load(result.save(tmp_path / "r.json")))
    swept = await sweep({"a": sleeper(0.01)}, [1, 2], seconds=0.1, progress=quiet())
    assert Sweep.load(swept.save(tmp_path / "s.json")) == swept

    async def staged(lap: Any) -> None:
        lap("one")
        lap("two")

    stages = await measure_stages({"a": staged}, 5, progress=quiet())
    again = Stages.load(stages.save(tmp_path / "t.json"))
    assert again.table().equals(stages.table())
    assert (again.order, again.errors, again.conditions) == (
        stages.order,
        stages.errors,
        stages.conditions,
    )


async def test_an_open_loop_with_parts_and_a_time_line_comes_back_exactly(tmp_path: Path) -> None:
    async def request() -> Parts:
        await asyncio.sleep(0.002)
        return Parts(wait=5, use=1_000_000)

    looking = watch(lambda: {"size": 3}, every=0.02)
    load = OpenLoop(200, seconds=0.5, warmup=0.0)
    result = await measure(request, load, watch=looking, progress=quiet())
    again = Result.load(result.save(tmp_path / "open.json"))
    same_result(result, again)
    assert set(again.parts) == {"wait", "use"}
    assert len(again.lateness) == again.requests
    assert again.conditions.load["loop"] == "open"
    assert result.time_line is not None and again.time_line is not None
    assert again.time_line.frame().equals(result.time_line.frame())
    assert len(again.time_line.seconds) > 5
    assert again.verdict() == result.verdict()


async def test_what_version_1_wrote_can_still_be_read(tmp_path: Path) -> None:
    path = (await some_comparison()).save(tmp_path / "c.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    later = {"rate", "ended", "lateness", "parts", "time_line"}
    later_in_slices = {"waiting_for_cpu", "offered", "most_in_flight", "mean_ms"}
    for part in content["results"]:
        for name in later:
            del part[name]
        for piece in part["slices"]:
            for name in later_in_slices:
                del piece[name]
    path.write_text(json.dumps(content | {"version": 1}), encoding="utf-8")
    old = Comparison.load(path)
    assert old.results["second"].requests > 0
    assert old.verdict().limited_by in ("server", "client")
    assert len(old.table()) == 2


def test_the_recorded_references_are_read_and_judged() -> None:
    folder = Path(__file__).parents[2] / "data" / "reference"
    comparison = Comparison.load(folder / "01_count_users.json")
    assert comparison.ratio().median > 1
    assert comparison.conclusion()
    swept = Sweep.load(folder / "01_growing.json")
    assert swept.points[0].verdict().limited_by in ("server", "client")
    assert swept.knee() is not None
    assert swept.knee(swept.arms[-1]) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"\xff\xfe",
        b'{"format": "something else"}',
        b'{"format": "connection-pooling-lab measurement", "version": 1, "kind": "comparison"}',
        b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_comparison_is_refused_with_one_sentence(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "wrong.json"
    path.write_bytes(content)
    with pytest.raises(LabError, match=r"wrong\.json is "):
        Comparison.load(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 99}, "format version 99"),
        ({"kind": "sweep"}, "not a comparison"),
        ({"conditions": {"when": "today"}}, "is broken"),
        ({"results": [{"name": "a"}]}, "is broken"),
    ],
)
async def test_a_changed_file_is_refused(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = (await some_comparison()).save(tmp_path / "c.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | change), encoding="utf-8")
    with pytest.raises(LabError, match=said):
        Comparison.load(path)


async def test_latencies_that_were_cut_or_changed_are_refused(tmp_path: Path) -> None:
    path = (await some_comparison()).save(tmp_path / "c.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    packed = content["results"][0]["latencies"]
    for broken in (
        packed | {"count": 3},
        packed | {"int64_le_zlib_base64": packed["int64_le_zlib_base64"][:-8]},
        packed | {"int64_le_zlib_base64": "?"},
    ):
        content["results"][0]["latencies"] = broken
        path.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(LabError, match="broken"):
            Comparison.load(path)


async def test_places_that_cannot_be_read_or_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"nothing\.json cannot be read"):
        Comparison.load(tmp_path / "nothing.json")
    comparison = await some_comparison()
    with pytest.raises(LabError, match=r"cannot be saved as .*absent"):
        comparison.save(tmp_path / "absent" / "c.json")


async def test_the_conditions_are_those_of_this_process() -> None:
    comparison = await some_comparison()
    conditions = comparison.conditions
    assert conditions.python == ".".join(map(str, sys.version_info[:3]))
    assert conditions.asyncpg[0].isdigit()
    assert conditions.when.endswith("+00:00")
    assert conditions.cpu_count >= 1
    assert conditions.load["clients"] == SHORT.clients
    assert conditions.facts == {"server": "PostgreSQL"}
    assert conditions.seed == 1


@pytest.mark.parametrize(
    "facts", [{"DB_PASSWORD": "x"}, {"server": "postgresql://lab:pw@127.0.0.1/x"}]
)
async def test_a_fact_that_looks_like_a_secret_is_refused(facts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="looks like a secret"):
        current_conditions({}, 1, facts)


async def test_a_single_slice_is_enough_for_a_result() -> None:
    result = await measure(sleeper(0.001), replace(SHORT, seconds=0.05), progress=quiet())
    assert len(result.slices) == 1
    assert result.throughput > 0
