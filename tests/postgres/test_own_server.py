"""The throwaway server."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from labsupport.postgres import OwnServer, connect, embedded_status, own_server
from tests.homes import alive


async def test_it_refuses_what_is_beyond_its_connections(shared_home: Path) -> None:
    async with own_server(max_connections=20) as own:
        held = []
        with pytest.raises(asyncpg.TooManyConnectionsError):
            for _ in range(21):
                held.append(await asyncpg.connect(**own.arguments()))
        assert len(held) == 17
        for connection in held:
            await connection.close(timeout=10)


async def test_it_lets_one_role_in_without_a_password_and_the_other_not(own: OwnServer) -> None:
    async with connect(own.trusted) as connection:
        assert await connection.fetchval("SELECT count(*) FROM users") == 10_000
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(**{**own.arguments(), "password": "wrong"})


async def test_nothing_of_it_is_left_even_after_an_error(home: Path) -> None:
    with pytest.raises(RuntimeError, match="in the middle"):
        async with own_server(settings={"work_mem": "1MB"}) as own:
            pid, folder = own.cluster.postmaster(), own.cluster.folder
            async with connect(own.server) as connection:
                assert await connection.fetchval("SHOW work_mem") == "1MB"
            raise RuntimeError("in the middle")
    assert not alive(pid)
    assert not folder.exists()
    assert embedded_status() == []


async def test_it_is_ours_also_when_another_server_is_named(
    shared_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_HOST", "db.invalid")
    async with own_server() as own, connect(own.server) as connection:
        assert await connection.fetchval("SELECT 1") == 1
