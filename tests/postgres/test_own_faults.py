"""Faults of a throwaway server: each really happens, and the server is whole again afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from labsupport.errors import LabError
from labsupport.postgres import OwnServer, connect, own_server
from tests.homes import alive, children_naming

ENDED = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


@pytest.fixture
async def session(own: OwnServer) -> AsyncIterator[Any]:
    """A session that meets the fault, in a database with the table `kept` that holds one row."""
    connection = await asyncpg.connect(**own.arguments())
    await connection.execute("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT 7 AS value")
    yield connection
    connection.terminate()


def new_lines(own: OwnServer, before: int) -> str:
    """What the log has said since it had `before` lines."""
    return "\n".join(own.log()[before:])


async def test_a_stopped_server_ends_its_sessions_and_comes_back_with_its_data(
    own: OwnServer, session: Any
) -> None:
    pid, address, before = own.pid, own.server.address, len(own.log())
    assert await own.stop()
    assert own.pid is None and not alive(pid)
    assert "received fast shutdown request" in new_lines(own, before)
    with pytest.raises(ENDED):
        await session.fetchval("SELECT 1")
    with pytest.raises(OSError):
        await asyncpg.connect(**own.arguments())
    assert not await own.stop()
    await own.start()
    assert own.pid not in (None, pid) and own.server.address == address
    async with connect(own.server) as again:
        assert await again.fetchval("SELECT value FROM kept") == 7


async def test_a_restarted_server_is_another_process_at_the_same_place(
    own: OwnServer, session: Any
) -> None:
    pid, before = own.pid, len(own.log())
    await own.restart()
    assert own.pid not in (None, pid) and not alive(pid)
    assert "received fast shutdown request" in new_lines(own, before)
    with pytest.raises(ENDED):
        await session.fetchval("SELECT 1")
    async with connect(own.trusted) as again:
        assert await again.fetchval("SELECT 1") == 1


async def test_a_crashed_server_recovers_what_was_committed(own: OwnServer, session: Any) -> None:
    pid, before = own.pid, len(own.log())
    await session.execute("INSERT INTO kept VALUES (8)")
    assert await own.crash()
    assert own.pid is None and not alive(pid)
    lines = new_lines(own, before)
    assert "received immediate shutdown request" in lines and "checkpoint complete" not in lines
    assert not await own.crash()
    await own.start()
    recovered = "not properly shut down; automatic recovery in progress"
    assert recovered in new_lines(own, before)
    async with connect(own.server) as again:
        assert await again.fetchval("SELECT array_agg(value) FROM kept") == [7, 8]


async def test_a_standby_answers_and_refuses_writes_until_it_is_none(
    own: OwnServer, session: Any
) -> None:
    await own.restart(as_standby=True)
    async with connect(own.server) as reader:
        assert await reader.fetchval("SELECT pg_is_in_recovery()")
        assert await reader.fetchval("SELECT value FROM kept") == 7
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await reader.execute("INSERT INTO kept VALUES (8)")
    await own.restart()
    async with connect(own.server) as writer:
        assert not await writer.fetchval("SELECT pg_is_in_recovery()")
        await writer.execute("INSERT INTO kept VALUES (8)")


async def test_a_frozen_session_does_nothing_and_the_others_go_on(
    own: OwnServer, session: Any
) -> None:
    pid = session.get_server_pid()
    own.freeze(pid)
    assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    answer = asyncio.create_task(session.fetchval("SELECT 7"))
    async with connect(own.server) as other:
        assert await other.fetchval("SELECT 8") == 8
    _, waiting = await asyncio.wait({answer}, timeout=0.3)
    assert waiting == {answer}
    own.thaw(pid)
    assert await asyncio.wait_for(answer, 20) == 7
    assert session.get_server_pid() == pid


async def test_a_server_with_a_frozen_session_stops_all_the_same(
    own: OwnServer, session: Any
) -> None:
    pid, frozen, before = own.pid, session.get_server_pid(), len(own.log())
    own.freeze(frozen)
    await asyncio.wait_for(own.restart(), 60)
    assert own.pid not in (None, pid) and not alive(frozen)
    lines = new_lines(own, before)
    assert "fast shutdown" in lines and "immediate shutdown" not in lines  # No force was needed.


async def test_what_cannot_be_done_is_said(own: OwnServer) -> None:
    with pytest.raises(LabError, match="runs already"):
        await own.start()
    for act in (own.freeze, own.thaw):
        with pytest.raises(ValueError, match=f"no process {os.getpid()}"):
            act(os.getpid())
    await own.stop()
    with pytest.raises(ValueError, match="no process"):
        own.freeze(os.getpid())
    await own.restart()


async def test_a_server_that_was_killed_from_outside_is_started_again(own: OwnServer) -> None:
    pid = own.pid
    psutil.Process(pid).kill()
    await own.restart()
    assert own.pid not in (None, pid)
    async with connect(own.server) as again:
        assert await again.fetchval("SELECT 1") == 1


async def test_a_server_whose_guard_was_killed_cannot_be_told_and_is_still_removed(
    shared_home: Path,
) -> None:
    async with own_server() as own:
        pid, folder = own.pid, own.cluster.folder
        [watcher] = children_naming(str(folder))
        watcher.kill()
        with pytest.raises(LabError, match="guard_process .* has ended"):
            await own.restart()
        assert alive(pid)
    assert not alive(pid) and not folder.exists()
