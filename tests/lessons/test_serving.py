"""A web service inside a notebook: it answers, leaves the kernel's signals alone, and ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx
import pytest

from labsupport.errors import LabError
from labsupport.lessons import serving as module
from labsupport.lessons.serving import serving

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


async def echo(scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
    """An application that answers each path with the path; `/slow` never."""
    if scope["path"] == "/slow":
        await asyncio.sleep(60)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


async def test_it_answers_while_the_block_runs_and_not_after() -> None:
    async with serving(echo) as client:
        address = str(client.base_url)
        assert (await client.get("/here")).text == "/here"
    async with httpx.AsyncClient(trust_env=False) as other:
        with pytest.raises(httpx.ConnectError):
            await other.get(address)


async def test_two_at_once_have_ports_of_their_own() -> None:
    async with serving(echo) as one, serving(echo) as two:
        assert one.base_url != two.base_url
        answers = await asyncio.gather(*(client.get("/x") for client in (one, two) * 30))
    assert {answer.status_code for answer in answers} == {200}


async def test_the_client_has_a_limit() -> None:
    async with serving(echo, limit=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/slow")


async def test_the_signals_stay_with_the_kernel() -> None:
    before = signal.getsignal(signal.SIGINT)
    async with serving(echo):
        assert signal.getsignal(signal.SIGINT) is before
    assert signal.getsignal(signal.SIGINT) is before


async def test_an_error_in_the_block_ends_the_service_and_is_told() -> None:
    tasks = asyncio.all_tasks()
    with pytest.raises(ZeroDivisionError):
        async with serving(echo) as client:
            await client.get("/x")
            raise ZeroDivisionError
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks


async def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with serving(echo) as client:
        assert (await client.get("/x")).status_code == 200


async def test_a_service_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ends_at_once(server: Any, sockets: Any) -> None:
        """Stands for a service that fails while it starts."""

    monkeypatch.setattr(module._Server, "serve", ends_at_once)
    with pytest.raises(LabError, match="did not start"):
        async with serving(echo):
            pass
