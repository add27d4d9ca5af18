"""The onlooker, and what is said of an error that no step has foreseen."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from labsupport.exercises import child
from labsupport.exercises.channel import Channel
from labsupport.exercises.stands import Stand
from labsupport.postgres import Server


class Quiet(Stand):
    """Sees no session."""

    async def sessions(self) -> list[dict[str, Any]]:
        return []


async def test_who_watches_again_does_not_go_on_watching_before() -> None:
    before = asyncio.all_tasks()
    stand = Quiet(cast(Server, None))
    await stand.watch()
    await stand.watch()
    assert len(asyncio.all_tasks() - before) == 1
    assert await stand.peak() == {"sessions": 0, "active": 0}
    assert asyncio.all_tasks() == before


def test_an_unforeseen_error_says_during_which_step(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Channel):
        def __init__(self) -> None:
            self.stage = "loading your code"

    async def fails(letter: dict[str, Any], channel: Channel) -> dict[str, Any]:
        channel.stage = "close()"
        raise TimeoutError

    monkeypatch.setattr(child, "_run", fails)
    loop = asyncio.new_event_loop()
    try:
        verdict = child._verdict(loop, {}, Silent())
    finally:
        loop.close()
    assert verdict["outcome"] == "not yet"
    assert (
        "during close(), TimeoutError was raised: without a text. Expected:" in verdict["message"]
    )
