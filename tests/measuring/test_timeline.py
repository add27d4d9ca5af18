"""Time lines: what is sampled, what is missing, what is saved, and what is left undisturbed."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest

from labsupport.errors import LabError
from labsupport.measuring import Mark, TimeLine, plot_time_line, sessions_of, watch
from labsupport.measuring import samples as sampling
from labsupport.measuring.files import write
from labsupport.measuring.timeline import floats
from labsupport.postgres import Server, ensure_embedded
from tests.homes import temporary_home

LIMIT = 30
"""Seconds after which a block that was not left counts as hung."""


async def until(holds: Any) -> None:
    """Let the event loop run until something holds."""
    async with asyncio.timeout(LIMIT):
        while not holds():
            await asyncio.sleep(0.005)


async def test_a_known_sequence_comes_back_in_order() -> None:
    given: list[int] = []
    more = 0

    def observe() -> dict[str, object]:
        given.append(len(given) + more)
        return {"size": given[-1], "name": "a word", "open": True, "times": [1.0]}

    async with watch(observe, every=0.01) as seen:
        await until(lambda: len(given) >= 5)
        more = 1000
    line = seen.line
    assert list(line.columns) == ["size"]
    assert line.columns["size"].tolist() == given
    assert given[:5] == [0, 1, 2, 3, 4]
    assert given[-1] > 1000, "the end of the block is sampled too"
    assert line.seconds[0] >= 0
    assert np.all(np.diff(line.seconds) > 0)
    assert line.seconds[4] >= 4 * 0.01 * 0.9
    assert line.notes == ()


async def test_what_is_not_known_is_a_gap() -> None:
    rows: Iterator[dict[str, object]] = iter([{"a": 1}, {"a": 2, "b": 5}, {"b": 6}])
    async with watch(lambda: next(rows, {}), every=0.01) as seen:
        await until(lambda: len(seen.line.seconds) >= 4)
    line = seen.line
    assert line.frame()["a"].tolist()[:2] == [1, 2]
    assert np.isnan(line.columns["a"][2:]).all()
    assert np.isnan(line.columns["b"][[0, 3]]).all()
    assert (line.most("b"), line.least("b")) == (6, 5)
    assert math.isnan(line.most("c"))


async def test_marks_stand_where_they_were_made() -> None:
    async with watch(dict, every=0.01) as seen:
        await asyncio.sleep(0.05)
        seen.mark("backend killed")
        await asyncio.sleep(0.05)
    (mark,) = seen.line.marks
    assert mark.label == "backend killed"
    assert 0.04 < mark.seconds < seen.line.seconds[-1]
    assert "Marked: backend killed at 0." in seen.line.sentence


async def test_a_failing_observe_leaves_gaps_and_one_note() -> None:
    calls: list[int] = []

    def observe() -> dict[str, float]:
        calls.append(1)
        if len(calls) % 2:
            raise OSError(f"call {len(calls)}")
        return {"size": 3}

    async with watch(observe, every=0.01) as seen:
        await until(lambda: len(calls) >= 6)
    size = seen.line.columns["size"]
    assert np.isnan(size[::2]).all()
    assert (size[1::2] == 3).all()
    (note,) = seen.line.notes
    assert f"failed {len(size[::2])} times, first after 0." in note
    assert note.endswith("OSError: call 1.")
    assert note in seen.line.sentence


@pytest.mark.parametrize("wrong", [None, 7, "text"])
async def test_an_observe_that_returns_no_mapping_is_noted(wrong: Any) -> None:
    async with watch(lambda: wrong) as seen:
        pass
    assert "AttributeError" in seen.line.notes[0]
    assert len(seen.line.seconds) > 0


async def test_hanging_gauges_do_not_hold_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "ANSWER_LIMIT", 0.05)
    monkeypatch.setattr(sampling, "GRACE", 0.2)

    async def hang() -> Any:
        await asyncio.Event().wait()

    async with asyncio.timeout(LIMIT), watch(hang, sessions=hang, every=0.01) as seen:
        await until(lambda: len(seen.notes) == 2)
    assert all("TimeoutError" in note for note in seen.line.notes)


async def test_a_gauge_that_still_hangs_at_the_end_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "GRACE", 0.05)

    async def hang() -> float:
        await asyncio.sleep(LIMIT)
        return 1.0

    async with watch(dict, sessions=hang):
        await asyncio.sleep(0.02)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_gauge_that_refuses_to_end_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "GRACE", 0.1)
    release = asyncio.Event()

    async def stubborn() -> float:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return 1.0

    async with asyncio.timeout(LIMIT):
        async with watch(dict, sessions=stubborn) as seen:
            await asyncio.sleep(0.02)
        release.set()
        await asyncio.sleep(0.02)
    assert len(seen.line.seconds) > 0


async def test_an_observe_that_blocks_the_loop_is_called_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampling, "BLOCKING", 0.05)
    calls: list[int] = []

    def observe() -> dict[str, float]:
        calls.append(1)
        time.sleep(0.1)
        return {"size": 1}

    async with watch(observe, every=0.01) as seen:
        await until(lambda: len(seen.line.seconds) >= 3)
    assert len(calls) == 1
    assert "blocked the event loop" in seen.line.notes[0]


async def test_the_newest_answer_of_the_server_stands_in_a_sample() -> None:
    answers: list[float] = []

    async def sessions() -> float:
        answers.append(len(answers) + 10.0)
        if len(answers) == 2:
            raise ConnectionError("gone for a moment")
        return answers[-1]

    async with watch(dict, sessions=sessions, every=0.02) as seen:
        await until(lambda: len(answers) >= 4)
    known = seen.line.columns["sessions"]
    known = known[np.isfinite(known)]
    assert set(known) <= {10.0, 12.0, 13.0, 14.0}
    assert {10.0, 12.0} <= set(known)
    assert np.all(np.diff(known) >= 0)
    assert "ConnectionError: gone for a moment" in seen.line.notes[0]


async def test_an_old_answer_is_not_shown_as_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "STALE", 0.05)
    answered: list[int] = []

    async def once() -> float:
        if answered:
            await asyncio.Event().wait()
        answered.append(1)
        return 5.0

    async with watch(dict, sessions=once, every=0.01) as seen:
        await until(lambda: seen.line.seconds.size and seen.line.seconds[-1] > 0.3)
    sessions = seen.line.columns["sessions"]
    assert seen.line.most("sessions") == 5
    assert math.isnan(sessions[-1])


async def test_sampling_ends_at_its_limit_and_the_block_goes_on() -> None:
    async with watch(dict, every=0.01, limit=0.05) as seen:
        await until(lambda: seen.notes)
        taken = len(seen.line.seconds)
        await asyncio.sleep(0.05)
    assert len(seen.line.seconds) == taken > 0
    assert "its limit of 0.05 s was reached" in seen.line.notes[0]


async def test_what_the_block_raises_is_passed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        async with watch(dict) as seen:
            raise ZeroDivisionError
    assert len(seen.line.seconds) > 0

    async def block() -> None:
        async with watch(dict):
            await asyncio.sleep(LIMIT)

    task = asyncio.create_task(block())
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left


async def test_wrong_arguments_are_refused_with_a_sentence() -> None:
    with pytest.raises(TypeError, match="observe must be a function"):
        watch({})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="sessions must be a function"):
        watch(dict, sessions=3)  # type: ignore[arg-type]
    for every in (0, -1, math.nan):
        with pytest.raises(ValueError, match="every"):
            watch(dict, every=every)
    async with watch(dict) as seen:
        pass
    with pytest.raises(RuntimeError, match="make a new one"):
        await seen.__aenter__()


LINE = TimeLine(
    seconds=floats([0.0, 0.5, 1.0]),
    columns={
        "acquired_count": floats([0, 10, 4]),
        "max_size": floats([10, 10, 10]),
        "queue_size": floats([0, 90, None]),
        "sessions": floats([None, 11, 11]),
    },
    marks=(Mark(0.25, "ninety more"),),
    notes=("Something failed 1 time.",),
)


def test_a_line_is_said_in_words() -> None:
    assert LINE.sentence == (
        "In 1.0 s there were at most 10 of 10 connections in use, 90 requests waiting, "
        "11 sessions seen by the server. Marked: ninety more at 0.2 s. Something failed 1 time."
    )
    assert TimeLine(floats([]), {}).sentence == "In 0.0 s: no data."


def test_a_line_is_saved_and_read_back(tmp_path: Path) -> None:
    read = TimeLine.load(LINE.save(tmp_path / "line.json"))
    assert (read.marks, read.notes) == (LINE.marks, LINE.notes)
    np.testing.assert_array_equal(read.seconds, LINE.seconds)
    assert list(read.columns) == list(LINE.columns)
    for name, values in LINE.columns.items():
        np.testing.assert_array_equal(read.columns[name], values)
    with pytest.raises(ValueError, match="read-only"):
        read.seconds[0] = 1


@pytest.mark.parametrize(
    "change",
    [
        {"columns": {"size": [1.0]}},
        {"columns": {"size": ["many", 1, 2]}},
        {"seconds": None},
        {"marks": [["early"]]},
    ],
)
def test_a_broken_line_is_not_read(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "line.json"
    line = TimeLine(LINE.seconds, LINE.columns)
    line.save(path)
    write(path, "time line", {**line.to_payload(), **change})
    with pytest.raises(LabError, match="broken"):
        TimeLine.load(path)


@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")
@pytest.mark.parametrize(
    "line",
    [
        LINE,
        TimeLine(floats([]), {}),
        TimeLine(floats([0.0]), {"size": floats([3])}),
        TimeLine(
            floats([0, 1]), {"queue_size": floats([None, None]), "idle_count": floats([0, 0])}
        ),
        TimeLine(LINE.seconds, LINE.columns, tuple(Mark(t / 9, "a long label") for t in range(9))),
    ],
    ids=["ordinary", "empty", "one sample", "nothing known", "many marks"],
)
def test_a_line_is_drawn_with_names_units_and_marks(line: TimeLine) -> None:
    figure = plot_time_line(line)
    assert figure._repr_png_().startswith(b"\x89PNG")
    texts = [text for axes in figure.axes for text in axes.texts]
    said = [text.get_text() for text in texts]
    assert [label for label in said if label in {mark.label for mark in line.marks}] == [
        mark.label for mark in line.marks
    ]
    width, height = figure.canvas.get_width_height()
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= -2 and box.x1 <= width + 2 and box.y0 >= -2 and box.y1 <= height + 2
    assert figure.axes[0].get_ylabel() == "connections"
    assert "seconds" in figure.axes[-1].get_xlabel()
    if line is LINE:
        assert {"in use, 0 to 10", "waiting, 0 to 90", "seen by the server, 11"} <= set(said)
        assert figure.axes[1].get_ylabel() == "requests waiting"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A running PostgreSQL."""
    with temporary_home():
        yield ensure_embedded(settings={})


def numbers_of(pool: Any) -> dict[str, int]:
    """What a bare `asyncpg.Pool` says of itself. How many requests wait, it does not say."""
    size, idle = pool.get_size(), pool.get_idle_size()
    return {
        "max_size": pool.get_max_size(),
        "acquired_count": size - idle,
        "idle_count": idle,
    }


async def test_a_real_pool_and_a_real_server_are_watched(server: Server) -> None:
    where = server.arguments()
    watcher = await asyncpg.connect(**where)
    named = {**where, "server_settings": {"application_name": "counted"}}
    pool = await asyncpg.create_pool(**named, min_size=1, max_size=3)
    try:
        sessions = sessions_of(watcher, application_name="counted")
        async with watch(lambda: numbers_of(pool), sessions=sessions) as seen:
            first, second = await pool.acquire(timeout=10), await pool.acquire(timeout=10)
            await until(lambda: seen.line.most("sessions") == 2)
            await pool.release(first)
            await pool.release(second)
        assert await sessions_of(watcher)() == 2
        assert await sessions_of(watcher, application_name="nobody")() == 0
    finally:
        pool.terminate()
        await watcher.close(timeout=10)
    line = seen.line
    assert line.most("acquired_count") == 2
    assert line.columns["idle_count"][-1] == 2
    assert line.most("max_size") == 3
    assert "queue_size" not in line.columns
    assert line.notes == ()
