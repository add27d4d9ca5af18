"""The task that repeats something: it ends when it is stopped, whatever the work does."""

from __future__ import annotations

import asyncio

import pytest

from labsupport.pooling import WrongEventLoop, repeating
from labsupport.pooling.repeating import Repeater


def tasks(name: str) -> list[asyncio.Task[object]]:
    """The tasks of that name that are there now."""
    return [task for task in asyncio.all_tasks() if task.get_name() == name]


async def test_work_that_swallows_the_cancellation_is_not_done_again() -> None:
    begun = asyncio.Event()
    rounds = 0

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise RuntimeError("something else") from None

    repeater = Repeater("swallower", work, lambda: 60)
    start = asyncio.create_task(repeater.start())
    await begun.wait()
    (task,) = tasks("swallower")
    stop = asyncio.create_task(repeater.stop())
    await asyncio.wait([stop], timeout=5)
    try:
        assert task.done() and stop.done() and rounds == 1
    finally:
        task.cancel()
    await asyncio.wait_for(start, 10)


async def test_stopping_has_a_limit(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(repeating, "STOP_LIMIT", 0.05)
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    repeater = Repeater("deaf", work, lambda: 0)
    start = asyncio.create_task(repeater.start())
    await begun.wait()
    stop = asyncio.create_task(repeater.stop())
    await asyncio.wait([stop], timeout=10)
    try:
        assert stop.done() and len(tasks("deaf")) == 1
        said = [r.getMessage() for r in caplog.records if r.name == "labsupport.pooling.repeating"]
        assert said == ["deaf was cancelled 0.05 s ago and still runs"]
    finally:
        let_go.set()
    await asyncio.wait_for(start, 10)
    assert tasks("deaf") == []


async def test_another_event_loop_can_neither_start_nor_stop_what_runs() -> None:
    repeater = Repeater("here", lambda: asyncio.sleep(0), lambda: 60)
    await repeater.start()
    try:
        for asked in (repeater.start, repeater.stop):
            with pytest.raises(WrongEventLoop):
                await asyncio.to_thread(lambda asked=asked: asyncio.run(asked()))
        assert repeater.is_running and len(tasks("here")) == 1
    finally:
        await repeater.stop()


async def test_it_starts_anew_when_its_event_loop_is_closed() -> None:
    repeater = Repeater("there", lambda: asyncio.sleep(0), lambda: 60)

    def start_and_leave() -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(repeater.start())
        loop.close()

    await asyncio.to_thread(start_and_leave)
    assert not repeater.is_running
    await asyncio.wait_for(repeater.start(), 10)
    assert repeater.is_running and len(tasks("there")) == 1
    await repeater.stop()
