"""The embedded server: private, shared by kernels, found again.

That it stops when nobody uses it, and what takes several servers, is in tests/deep.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from labsupport.errors import LabError
from labsupport.postgres import (
    Server,
    connect,
    embedded_status,
    ensure_embedded,
    inspect_server,
    stop_embedded,
)
from labsupport.postgres.binaries import find_binaries
from tests.homes import alive, wait_until

START = "from labsupport.postgres import ensure_embedded as start;print(start(settings={}).address)"


async def test_it_is_an_ordinary_server_with_an_ordinary_role(server: Server) -> None:
    facts = await inspect_server(server)
    assert facts.version_num // 10000 == 18
    assert facts.max_connections == 100
    assert facts.role == "lab" and facts.may_create_databases
    async with connect(server) as connection:
        assert await connection.fetchval("SHOW is_superuser") == "off"


async def test_it_asks_for_the_password_and_takes_no_other(server: Server) -> None:
    arguments = {**server.arguments(), "password": "wrong"}
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(**arguments)
    async with connect(server) as connection:
        assert await connection.fetchval("SHOW password_encryption") == "scram-sha-256"


def test_it_listens_on_loopback_only(server: Server) -> None:
    pid = embedded_status()[0].server_pid
    listening = [
        where.laddr.ip
        for where in psutil.Process(pid).net_connections("all")
        if where.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_its_passwords_and_its_data_are_for_the_user_alone(
    server: Server, shared_home: Path
) -> None:
    folder = shared_home / "servers" / "18"
    assert (folder / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert (folder / "server").stat().st_mode & 0o777 == 0o700
    assert not (folder / "server" / "first_password").exists()


def test_kernels_that_start_it_at_once_share_one_server(home: Path) -> None:
    kernels = [
        subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    addresses = {kernel.communicate(timeout=60)[0].strip() for kernel in kernels}
    assert len(addresses) == 1
    assert [status.address for status in embedded_status()] == list(addresses)


def test_it_stops_when_asked_and_starts_again_where_it_was(shared_home: Path) -> None:
    first = ensure_embedded(settings={})
    status = embedded_status()[0]
    report = stop_embedded()
    assert report.stopped == [f"PostgreSQL 18 at {first.address}"]
    assert not alive(status.server_pid)
    wait_until(lambda: not alive(status.supervisor_pid), "the supervisor ends")
    assert embedded_status() == []
    assert ensure_embedded(settings={}).address == first.address


def test_stopping_what_does_not_run_is_fine(home: Path) -> None:
    assert stop_embedded().stopped == []


async def test_another_installation_can_be_named(home: Path) -> None:
    programs = find_binaries({"LAB_PG_VERSION": "16"}).folder
    server = ensure_embedded(settings={"LAB_PG_BIN": str(programs)})
    assert (await inspect_server(server)).version_num // 10000 == 16
    assert (home / "servers" / "16-system").is_dir()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"LAB_PG_VERSION": "9"}, "LAB_PG_VERSION is '9'"),
        ({"LAB_PG_BIN": "/no/such/folder"}, "holds no initdb"),
        ({"LAB_IDLE_SECONDS": "soon"}, "LAB_IDLE_SECONDS is 'soon'"),
        ({"LAB_IDLE_SECONDS": "0"}, "LAB_IDLE_SECONDS is '0'"),
    ],
)
def test_a_wrong_setting_is_named_in_a_sentence(
    home: Path, settings: dict[str, str], sentence: str
) -> None:
    with pytest.raises(LabError, match=sentence):
        ensure_embedded(settings=settings)
    assert embedded_status() == []
