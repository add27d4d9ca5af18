"""The verb `workshop`: accounts made, kept, counted and removed, and nobody else's touched."""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from labsupport.commands import launcher, run_tests, workshop
from labsupport.commands.arguments import make_parser
from labsupport.commands.bootstrap import LEARNER, TESTER, WORKSHOP
from labsupport.commands.failures import guarded
from labsupport.errors import LabError
from labsupport.postgres import (
    OwnServer,
    Server,
    chosen_server,
    ensure_kernel_database,
    own_server,
    read_settings,
)
from labsupport.workshop import accounts, plan_capacity
from labsupport.workshop.passwords import scram_verifier
from tests.commands.running import ROOT
from tests.held import as_superuser, held
from tests.homes import temporary_home

NAMES = ["workshop_01", "workshop_02", "workshop_03"]
THERE = "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles"


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    """A server with room for three, a teacher who is no superuser, and a role of somebody else."""
    # So that a password in a statement would stand in the log.
    server = own_server(max_connections=110, settings={"log_statement": "ddl"})
    with temporary_home(), asyncio.Runner() as runner, held(server, runner) as made:
        for name in ("teacher", "assistant"):
            verifier = scram_verifier(name)
            create = f"CREATE ROLE {name} LOGIN CREATEDB PASSWORD '{verifier}'"
            runner.run(as_superuser(made, create))
        runner.run(as_superuser(made, "ALTER ROLE teacher CREATEROLE"))
        yield made


async def ask(server: Server, question: str, *values: object) -> list[Any]:
    """The first column of an answer, as this role gets it."""
    connection = await asyncpg.connect(**server.arguments())
    try:
        return [row[0] for row in await connection.fetch(question, *values)]
    finally:
        await connection.close()


class Room:
    """The commands as an instructor types them, and what came of them."""

    def __init__(self, own: OwnServer, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.own = own
        self.folder = folder
        self._capsys = capsys
        self.everything = ""

    def run(self, *arguments: str, fails_with: int = 0) -> str:
        """Run `workshop ...` and return what it said; check its exit code."""
        options = make_parser().parse_args(["workshop", *arguments])
        code = guarded(lambda: workshop.run(options))
        said = self._capsys.readouterr()
        self.everything += said.out + said.err
        assert code == fails_with, said.out + said.err
        return " ".join((said.out + said.err).split())

    def create(self, participants: int = 3, *more: str, fails_with: int = 0) -> str:
        """Run `workshop create`."""
        arguments = ("--participants", str(participants), "--output", str(self.folder), *more)
        return self.run("create", *arguments, fails_with=fails_with)

    def remove(self, *, fails_with: int = 0) -> str:
        """Run `workshop remove`."""
        return self.run("remove", "--output", str(self.folder), fails_with=fails_with)

    def file(self, name: str) -> Path:
        """A participant's file."""
        return self.folder / f"{name}.env"

    def participant(self, name: str) -> Server:
        """The server as the participant's file names it."""
        server = chosen_server(read_settings({}, self.file(name)))
        assert server is not None
        return server

    def there(self) -> list[str]:
        """The names of all databases and roles."""
        return sorted(asyncio.run(ask(self.own.server, THERE)))

    def of_participants(self) -> list[str]:
        """The names of all databases and roles of participants."""
        return [name for name in self.there() if name.startswith("workshop")]


@pytest.fixture
def room(
    own: OwnServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Room]:
    """`DB_*` names the server and the teacher; what the test made is removed after it."""
    name_server(monkeypatch, own.server, "teacher", "teacher")
    room = Room(own, tmp_path / "handed out", capsys)
    before = room.there()
    yield room
    # Also what a test left that has failed as a superuser.
    name_superuser(monkeypatch, own)
    room.remove()
    assert room.there() == before


def name_server(monkeypatch: pytest.MonkeyPatch, server: Server, user: str, password: str) -> None:
    """Let `DB_*` name a server and a role."""
    monkeypatch.setenv("DB_HOST", server.host)
    monkeypatch.setenv("DB_PORT", str(server.port))
    monkeypatch.setenv("DB_USER", user)
    monkeypatch.setenv("DB_PASSWORD", password)
    monkeypatch.setenv("DB_NAME", "postgres")


def name_superuser(monkeypatch: pytest.MonkeyPatch, own: OwnServer) -> None:
    """Let `DB_*` name the server and its superuser."""
    name_server(monkeypatch, own.server, "postgres", own.cluster.passwords()["superuser"])


@pytest.fixture(params=["teacher", "superuser"])
def anyone(request: pytest.FixtureRequest, room: Room, monkeypatch: pytest.MonkeyPatch) -> Room:
    """The same for a role that may create roles, and for a superuser."""
    if request.param == "superuser":
        name_superuser(monkeypatch, room.own)
    return room


def is_private(path: Path, mode: int) -> bool:
    """Whether a path has these rights; Windows has others."""
    return stat.S_IMODE(path.stat().st_mode) == mode or os.name == "nt"


def test_an_account_for_each_participant(anyone: Room) -> None:
    room = anyone
    said = room.create()
    assert room.of_participants() == sorted(NAMES * 2)
    assert all(name in said for name in NAMES)
    for name in NAMES:
        participant = room.participant(name)
        assert (participant.user, participant.database) == (name, name)
        rights = "SELECT (rolcreatedb, rolcreaterole, rolsuper) FROM pg_roles WHERE rolname = $1"
        assert asyncio.run(ask(participant, rights, name)) == [(True, False, False)]
        assert is_private(room.file(name), 0o600)
    assert is_private(room.folder, 0o700)
    # What one participant has is not another's.
    others = room.participant("workshop_01").arguments("workshop_02")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        asyncio.run(asyncpg.connect(**others))
    passwords = {room.participant(name).password for name in NAMES}
    assert len(passwords) == len(NAMES)
    room.run("status")
    room.remove()
    assert room.of_participants() == []
    assert not room.folder.exists()
    for password in passwords:
        assert password not in room.everything
    assert any("CREATE ROLE" in line for line in room.own.log())
    for password in passwords:
        assert not any(password in line for line in room.own.log())


async def hold(server: Server, number: int) -> list[Any]:
    """Open so many connections, and return them."""
    return [await asyncpg.connect(**server.arguments()) for _ in range(number)]


async def test_the_limit_is_enough_for_a_lesson_and_holds(room: Room) -> None:
    await asyncio.to_thread(room.create)
    participant = room.participant("workshop_03")
    limit = "SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user"
    (connections,) = await ask(participant, limit)
    assert 20 < connections <= (110 - 3 - 20) / 3
    held = await hold(participant, connections)
    try:
        with pytest.raises(asyncpg.TooManyConnectionsError):
            await hold(participant, 1)
        said = await asyncio.to_thread(room.run, "status")
        assert f"workshop_03 {connections} of {connections}" in said
        assert "1 of 3 participants are connected" in said
        # A second call is no trouble for a participant who uses every session.
        # Neither do these sessions count as those of other programs, for which there is less then.
        said = await asyncio.to_thread(room.create)
        assert said.count(f" {connections} kept ") == 3
    finally:
        for connection in held:
            await connection.close()


def test_a_second_call_keeps_what_is_there_and_adds_what_is_missing(room: Room) -> None:
    room.create(1, "--host", "db.example")
    first = room.file("workshop_01").read_bytes()
    assert b"DB_HOST=db.example\n" in first
    said = room.create(2)
    assert said.count("kept") == 1
    assert said.count("made") == 1
    assert room.file("workshop_01").read_bytes() == first
    assert b"DB_HOST=db.example\n" in room.file("workshop_02").read_bytes()
    # Fewer than there are: nobody loses an account.
    assert room.create(1).count("kept") == 2
    # An address is mended without a new password.
    assert room.create(2, "--host", "127.0.0.1").count("new address") == 2
    old = first.decode().split("DB_PASSWORD=")[1].split("\n")[0]
    assert room.participant("workshop_01").password == old
    assert "--host NAME" in room.everything


def test_a_lost_file_means_a_new_password(room: Room) -> None:
    room.create(2)
    lost, kept = (room.participant(name).password for name in NAMES[:2])
    room.file("workshop_01").unlink()
    assert "workshop_01 40 new password" in room.create(2)
    assert room.participant("workshop_01").password != lost
    assert room.participant("workshop_02").password == kept
    assert asyncio.run(ask(room.participant("workshop_01"), "SELECT 1")) == [1]


def test_a_participants_notebook_runs_and_what_it_left_is_removed(
    room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    room.create(1)
    participant = room.participant("workshop_01")
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    database = asyncio.run(ensure_kernel_database(participant))
    assert "workshop_01 0 of 40 yes 1 - -" in room.run("status")

    async def remove_while_connected() -> None:
        # One in the kernel's own database, one where a database is not dropped.
        held = [
            await asyncpg.connect(**participant.arguments(name, application_name="lesson 01"))
            for name in (database, "postgres")
        ]
        said = await asyncio.to_thread(room.run, "status")
        assert "workshop_01 2 of 40 yes 1 01 " in said
        await asyncio.to_thread(room.remove)
        for connection in held:
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await connection.fetch("SELECT 1")

    asyncio.run(remove_while_connected())
    assert database not in room.there()
    assert "has no accounts" in room.remove()


async def test_who_comes_again_and_again_is_removed_too(room: Room) -> None:
    await asyncio.to_thread(room.create, 1)
    participant = room.participant("workshop_01")
    inside = asyncio.Event()

    async def come_again() -> None:
        while True:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                (connection,) = await hold(participant, 1)
                inside.set()
                try:
                    await connection.fetch("SELECT pg_sleep(60)")
                finally:
                    connection.terminate()
            await asyncio.sleep(0.01)

    kernel = asyncio.create_task(come_again())
    try:
        await asyncio.wait_for(inside.wait(), 30)
        await asyncio.to_thread(room.remove)
    finally:
        kernel.cancel()
        await asyncio.wait([kernel])
    assert await asyncio.to_thread(room.of_participants) == []


def test_a_role_that_somebody_else_made_is_left_alone(anyone: Room) -> None:
    room = anyone
    room.create(1)
    asyncio.run(as_superuser(room.own, "CREATE ROLE workshop_02"))
    try:
        assert "a role 'workshop_02' that the lab did not make" in room.create(3, fails_with=1)
        assert room.of_participants() == ["workshop_01", "workshop_01", "workshop_02"]
        assert "workshop_02" not in room.run("status")
        assert "workshop_02 was not made by the lab and stays" in room.remove(fails_with=1)
        assert room.of_participants() == ["workshop_02"]
    finally:
        clean = ("DROP DATABASE IF EXISTS workshop_02", "DROP ROLE IF EXISTS workshop_02")
        asyncio.run(as_superuser(room.own, *clean))


def test_a_database_that_somebody_else_owns_is_left_alone(room: Room) -> None:
    asyncio.run(as_superuser(room.own, "CREATE DATABASE workshop_02"))
    try:
        assert "a database 'workshop_02' that belongs to" in room.create(3, fails_with=1)
        assert room.of_participants() == ["workshop_02"]
        room.create(1)
        room.remove()
        assert room.of_participants() == ["workshop_02"]
    finally:
        asyncio.run(as_superuser(room.own, "DROP DATABASE IF EXISTS workshop_02"))


def test_a_participants_own_database_is_not_dropped(room: Room) -> None:
    room.create(2)
    thesis = "CREATE DATABASE workshop_thesis OWNER workshop_01"
    asyncio.run(as_superuser(room.own, thesis))
    try:
        assert "owns the database 'workshop_thesis'" in room.remove(fails_with=1)
        assert room.of_participants() == ["workshop_01", "workshop_01", "workshop_thesis"]
        assert asyncio.run(ask(room.participant("workshop_01"), "SELECT 1")) == [1]
    finally:
        asyncio.run(as_superuser(room.own, "DROP DATABASE IF EXISTS workshop_thesis"))


def test_a_role_on_which_something_depends_stays(room: Room) -> None:
    room.create(1)
    asyncio.run(as_superuser(room.own, "GRANT CREATE ON DATABASE postgres TO workshop_01"))
    try:
        assert "workshop_01 stays, because things" in room.remove(fails_with=1)
    finally:
        asyncio.run(as_superuser(room.own, "REVOKE CREATE ON DATABASE postgres FROM workshop_01"))
    # Whoever comes back has an account again.
    assert "workshop_01 40 " in room.create(1)


def test_who_may_not_create_roles_is_told_what_to_ask_for(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_USER", "assistant")
    monkeypatch.setenv("DB_PASSWORD", "assistant")
    assert "ALTER ROLE assistant CREATEROLE CREATEDB;" in room.create(fails_with=1)
    assert room.of_participants() == []


def test_too_many_are_refused_with_the_sum(room: Room) -> None:
    said = room.create(4, fails_with=1)
    assert "enough for 3 participants and not for 4" in said
    assert "4 x 25 for the participants, 25 for you and for other programs, 3 that" in said
    assert "max_connections = 128" in said
    assert room.of_participants() == []


async def test_what_other_programs_use_is_not_given_away(room: Room) -> None:
    assistant = replace(room.own.server, user="assistant", password="assistant")
    held = await hold(assistant, 110 - 3 - 3 * 25 + 1)
    try:
        said = await asyncio.to_thread(room.create, 3, fails_with=1)
        assert "enough for 2 participants and not for 3" in said
    finally:
        for connection in held:
            await connection.close()


def test_a_role_is_made_with_its_mark_or_not_at_all(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(accounts, "ROLE_MARK", "a mark's quotation mark ends the statement")
        room.create(1, fails_with=1)
    assert room.of_participants() == []


def test_what_a_failure_left_is_completed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    written = accounts.write_handout

    def fails_once(folder: Path, handout: Any) -> Path:
        if handout.name == "workshop_02":
            raise LabError("No room for the file.")
        return written(folder, handout)

    with monkeypatch.context() as broken:
        broken.setattr(accounts, "write_handout", fails_once)
        room.create(fails_with=1)
    assert room.of_participants() == ["workshop_01"] * 2 + ["workshop_02"] * 2
    said = room.create()
    assert [said.count(word) for word in ("kept", "new password", "made")] == [1, 1, 1]
    for name in NAMES:
        assert asyncio.run(ask(room.participant(name), "SELECT 1")) == [1]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("DB_HOST=mine\nDB_USER=workshop_01\n", "is not a file that `workshop create` wrote"),
        ("# Made by the Connection Pooling Lab for workshop_01.", "is not a file that"),
        (
            "# Made by the Connection Pooling Lab for workshop_01. Copy this file to .env in your "
            "clone.\nDB_HOST=other.example\nDB_USER=workshop_01\nDB_PASSWORD=x\n",
            "is for other.example:5432",
        ),
    ],
)
def test_a_file_that_was_not_made_here_is_not_overwritten(
    room: Room, text: str, reason: str
) -> None:
    room.folder.mkdir()
    room.file("workshop_01").write_text(text, encoding="utf-8")
    assert reason in room.create(1, fails_with=1)
    assert room.of_participants() == []
    assert room.file("workshop_01").read_text(encoding="utf-8") == text
    room.remove()
    assert room.file("workshop_01").exists()


def test_a_file_that_was_changed_since_is_not_deleted(room: Room) -> None:
    room.create(2)
    room.file("workshop_01").write_text("my own notes", encoding="utf-8")
    assert "2 roles, 2 databases and 1 files" in room.remove()
    assert [path.name for path in room.folder.iterdir()] == ["workshop_01.env"]


def test_two_commands_at_once_do_not_meet(room: Room) -> None:
    async def create_while_held() -> None:
        connection = await asyncpg.connect(**room.own.server.arguments("postgres"))
        try:
            await connection.execute("SELECT pg_advisory_lock(7300402)")
            said = await asyncio.to_thread(room.create, 1, fails_with=1)
            assert "Another `workshop` command" in said
        finally:
            await connection.close()

    asyncio.run(create_while_held())


@pytest.mark.parametrize("action", ["create --participants 2", "status", "remove"])
def test_without_a_server_of_its_own_there_is_no_workshop(
    room: Room, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.delenv("DB_HOST")
        without.setattr("labsupport.postgres.settings.project_root", lambda: room.folder)
        assert "DB_HOST names none" in room.run(*action.split(), fails_with=1)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "invite",
        "create",
        "create --participants 0",
        "create --participants 1000",
        "create --participants many",
        "create --participants 3 --prefix pg_x",
        "create --participants 3 --prefix Workshop",
        "create --participants 3 --prefix x;y",
        "create --participants 3 --host a/b",
        "create --part 3",
        "remove 3",
        "progress",
        "progress folder --plot picture.jpg",
    ],
)
def test_wrong_usage_ends_with_2(arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(["workshop", *arguments.split()])
    assert ended.value.code == 2
    assert "usage: python3 -m labsupport" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["", "create", "status", "remove", "progress"])
def test_every_action_explains_itself(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        make_parser().parse_args(["workshop", *action.split(), "--help"])
    assert ended.value.code == 0
    assert f"usage: python3 -m labsupport workshop {action}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("max_connections", "reserved", "others", "people", "limit", "fits", "room_for"),
    [
        (778, 3, 0, 30, 25, True, 30),
        (777, 3, 0, 30, 24, False, 29),
        (778, 3, 26, 30, 24, False, 29),  # Others need more than is kept for the instructor.
        (5000, 3, 0, 30, 40, True, 198),  # More than two lessons at a time is of no use.
        (100, 13, 0, 2, 31, True, 2),
        (20, 3, 0, 1, 0, False, 0),
    ],
)
def test_capacity(
    max_connections: int,
    reserved: int,
    others: int,
    people: int,
    limit: int,
    fits: bool,
    room_for: int,
) -> None:
    capacity = plan_capacity(max_connections, reserved, people, others)
    assert (capacity.limit, capacity.fits, capacity.room_for) == (limit, fits, room_for)
    # What it asks for is just enough.
    assert plan_capacity(capacity.needed, reserved, people, others).fits
    assert not plan_capacity(capacity.needed - 1, reserved, people, others).fits


def test_the_workshops_packages_are_installed_when_they_are_asked_for() -> None:
    def needs(*arguments: str) -> Any:
        return launcher._needs(make_parser().parse_args([*arguments]))

    assert needs("lab") is needs("workshop", "status") is LEARNER
    assert needs("lab", "--workshop") is WORKSHOP
    assert needs("test", "--workshop") is TESTER
    assert set(LEARNER.covers) < set(WORKSHOP.covers) < set(TESTER.covers)


def test_the_workshop_is_tested_in_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[run_tests.Part] = []
    monkeypatch.setattr(run_tests, "check_server", lambda: None)
    monkeypatch.setattr(run_tests, "run_part", lambda part: len(ran.append(part) or ""))
    with temporary_home():
        assert run_tests.run(make_parser().parse_args(["test", "--workshop"])) == 0
    assert [part.name for part in ran] == ["workshop", "fleet"]
    places = [word for part in ran for word in part.arguments if not word.startswith("-")]
    assert places == ["tests/workshop", "notebooks/17_run_a_fleet.ipynb"]
    assert all((ROOT / place).exists() for place in places)
    assert "--ignore=tests/workshop" in run_tests.PARTS[0].arguments
