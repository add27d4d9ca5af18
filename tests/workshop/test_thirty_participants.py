"""Thirty participants at once begin lesson 01, measure and finish, on one server.

They are thirty processes of one machine. On thirty machines each would have processors of its own,
and the server would see more requests at the same time; here they share the processors with it, so
that each of them waits longer. What is the same: thirty roles with their limits, thirty templates
made at the same moment, a database for each kernel, twenty sessions of each lesson at one time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from labsupport.postgres import OwnServer, connect, own_server
from labsupport.workshop import create_accounts, look_around, plan_capacity, remove_accounts
from tests.homes import temporary_home
from tests.workshop.room import Looker, Participants, as_superuser

PEOPLE = 30
SECONDS = 4.0
"""As long as the lesson does."""
END_LIMIT = 400
EVERYTHING = "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles"


@pytest.fixture
async def own() -> AsyncIterator[OwnServer]:
    """A server that has room for thirty and for no one more."""
    # 3 sessions are PostgreSQL's own default of what it keeps for superusers.
    needed = plan_capacity(max_connections=0, reserved=3, participants=PEOPLE).needed
    with temporary_home():
        async with own_server(max_connections=needed) as own:
            yield own


async def everything(own: OwnServer) -> set[str]:
    """The names of all databases and roles."""
    async with connect(own.server) as connection:
        return {row[0] for row in await connection.fetch(EVERYTHING)}


async def test_thirty_at_once_run_lesson_01_on_one_server(own: OwnServer, tmp_path: Path) -> None:
    server = as_superuser(own)
    before = await everything(own)
    accounts = await create_accounts(server, PEOPLE, "workshop", tmp_path / "handed_out")
    participants = Participants([account.file for account in accounts], tmp_path, SECONDS)
    looker, ended = Looker(server), asyncio.Event()
    try:
        await asyncio.to_thread(participants.wait_until_all_are_here)
        async with asyncio.TaskGroup() as group:
            group.create_task(looker.look(ended))
            participants.go()
            codes = await asyncio.to_thread(participants.end, END_LIMIT)
            ended.set()
    finally:
        await asyncio.to_thread(participants.kill)

    failed = {name: participants.said(name) for name, code in codes.items() if code != 0}
    assert failed == {}
    outcomes = {name: participants.outcome(name) for name in codes}
    assert len(outcomes) == PEOPLE
    for name, outcome in outcomes.items():
        assert min(outcome["requests"].values()) > 0, name
        assert not any(outcome["failed"].values()), name
    # They were really there together, each kept to what a lesson may take, and used it.
    assert looker.most_at_once > PEOPLE / 2
    assert 10 < max(looker.most_of_one.values()) <= min(20, accounts[0].limit)
    # Whoever has finished is gone, and has begun once.
    present = await look_around(server, "workshop")
    assert [(one.sessions, one.kernels, one.has_begun) for one in present] == [
        (0, 0, True)
    ] * PEOPLE

    removal = await remove_accounts(server, "workshop", tmp_path / "handed_out")
    assert (len(removal.roles), removal.files, removal.left) == (PEOPLE, PEOPLE, ())
    assert await everything(own) == before
