"""A server that cannot be used: one sentence, for the reason it really has."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from labsupport.errors import LabError
from labsupport.postgres import Server, connect, find_server, inspect_server, own_server
from labsupport.postgres.find import CONNECT_LIMIT
from tests.held import as_superuser


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"password": "wrong"}, "refuses the role 'lab'.*DB_PASSWORD"),
        ({"user": "nobody-here"}, "refuses the role 'nobody-here'"),
        ({"database": "nowhere"}, "has no database 'nowhere'. Check DB_NAME"),
        ({"database": "lab_kernel_x_1_2"}, "has no database .* Run the notebook's first cell"),
        ({"port": 1}, "No PostgreSQL listens at 127.0.0.1:1."),
        ({"host": "no-such-host.invalid"}, "The name 'no-such-host.invalid' is not known"),
        ({"ssl_mode": "require"}, "rejected SSL upgrade"),
    ],
)
async def test_the_sentence_says_what_to_do(
    server: Server, change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(LabError, match=sentence) as caught:
        await inspect_server(replace(server, where="DB_HOST", **change))
    assert server.arguments()["password"] not in str(caught.value)


@pytest.mark.parametrize(
    ("where", "named", "other"),
    [("DB_HOST", "DB_HOST", "LAB_PG_BIN"), ("embedded", "LAB_PG_BIN", "DB_HOST")],
)
async def test_an_old_server_is_refused_by_the_name_that_chose_it(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    where: Literal["embedded", "DB_HOST"],
    named: str,
    other: str,
) -> None:
    monkeypatch.setattr("labsupport.postgres.find.OLDEST", 99)
    with pytest.raises(LabError, match=f"needs 99 or newer: .* or remove {named} to") as caught:
        await inspect_server(replace(server, where=where))
    assert other not in str(caught.value)


async def test_a_full_server_says_so(shared_home: Path) -> None:
    async with own_server(max_connections=4) as own, connect(own.server):
        with pytest.raises(LabError, match="has no connection left"):
            await inspect_server(own.server)


async def test_a_role_at_its_own_limit_is_told_so(shared_home: Path) -> None:
    async with own_server() as own:
        await as_superuser(own, f"ALTER ROLE {own.server.user} CONNECTION LIMIT 1")
        async with connect(own.server):
            with pytest.raises(LabError, match="has all its .* ask for a higher CONNECTION LIMIT"):
                await inspect_server(own.server)


async def test_sessions_of_others_are_counted_too(shared_home: Path) -> None:
    async with own_server() as own, connect(own.server), connect(own.server):
        facts = await inspect_server(own.trusted)
    assert facts.role == "visitor" and facts.sessions >= 3


async def test_something_that_never_answers_is_not_waited_for_long(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labsupport.postgres.find.CONNECT_LIMIT", 0.5)
    assert CONNECT_LIMIT <= 15

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(LabError, match="does not answer within"):
            await asyncio.wait_for(inspect_server(replace(server, port=port)), timeout=20)


async def test_the_named_server_is_used_and_no_other(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(server.port),
        "DB_USER": server.user,
        "DB_PASSWORD": server.arguments()["password"],
    }.items():
        monkeypatch.setenv(name, value)
    found = await find_server()
    assert (found.where, found.address) == ("DB_HOST", server.address)
    assert (await inspect_server(found)).role == "lab"


async def test_a_named_server_that_is_down_is_not_replaced(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_HOST", "127.0.0.1")
    monkeypatch.setenv("DB_PORT", "1")
    with pytest.raises(LabError, match="remove DB_HOST to use the embedded server"):
        await inspect_server(await find_server())
    assert not (home / "servers").exists()
