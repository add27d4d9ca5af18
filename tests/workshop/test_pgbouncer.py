"""The real PgBouncer: who gets in, what it shares, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import psutil
import pytest

from labsupport.errors import LabError
from labsupport.places import project_root
from labsupport.postgres import OwnServer, connect, own_server, pgbouncer
from labsupport.postgres.pgbouncer import KEEPS_STATEMENTS_SINCE
from labsupport.postgres.roles import superuser_arguments
from tests.held import held
from tests.homes import alive, temporary_home, wait_until

LIMIT = 60
MODULE = sys.modules["labsupport.postgres.pgbouncer"]
OTHER_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE usename = current_user AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """One LAB_HOME for all tests of this module."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def own(home: Path) -> Iterator[OwnServer]:
    """One server behind all of them."""
    with held(own_server(max_connections=30)) as made:
        yield made


async def test_many_clients_share_few_sessions(own: OwnServer) -> None:
    async with (
        pgbouncer(own.server, default_pool_size=3) as bouncer,
        connect(own.server) as look,
        asyncpg.create_pool(
            **bouncer.arguments(), min_size=40, max_size=40, statement_cache_size=0
        ) as pool,
    ):
        answers = await asyncio.gather(*(pool.fetchval("SELECT pg_sleep(0.02)") for _ in range(40)))
        assert len(answers) == 40
        assert pool.get_size() == 40
        assert await look.fetchval(OTHER_SESSIONS) == 3


async def test_in_session_mode_each_client_has_one(own: OwnServer) -> None:
    async with (
        pgbouncer(own.server, pool_mode="session", default_pool_size=4) as bouncer,
        connect(own.server) as look,
        connect(bouncer.server) as one,
        connect(bouncer.server) as other,
    ):
        pids = {await client.fetchval("SELECT pg_backend_pid()") for client in (one, other)}
        assert len(pids) == 2
        assert await look.fetchval(OTHER_SESSIONS) == 2


@pytest.mark.parametrize(
    "password",
    ['say "hello"', '"', "it's; # = $1 \\ %s `id`", "é 中", "md5", " two spaces "],
)
async def test_a_role_with_any_password_logs_in(own: OwnServer, password: str) -> None:
    role = 'a "pupil" of Zoë\'s'
    admin = await asyncpg.connect(
        **superuser_arguments(own.cluster, own.server.port), statement_cache_size=0
    )
    try:
        make = "SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)"
        await admin.execute(await admin.fetchval(make, role, password))
        pupil = replace(own.server, user=role, password=password)
        async with pgbouncer(pupil) as bouncer, connect(bouncer.server) as connection:
            assert await connection.fetchval("SELECT current_user") == role
    finally:
        await admin.execute(
            await admin.fetchval("SELECT format('DROP ROLE IF EXISTS %I', $1::text)", role)
        )
        await admin.close()


async def test_a_wrong_password_is_refused(own: OwnServer) -> None:
    async with pgbouncer(own.server) as bouncer:
        with pytest.raises(asyncpg.PostgresError):
            await asyncpg.connect(**{**bouncer.arguments(), "password": "wrong"})


async def test_its_files_are_private_and_its_process_is_not_root(own: OwnServer) -> None:
    async with pgbouncer(own.server) as bouncer:
        process = psutil.Process(bouncer.pid)
        assert own.server.password not in " ".join(process.cmdline())
        assert own.server.password not in "\n".join(bouncer.log())
        if os.name != "nt":
            assert process.uids().effective != 0
            assert bouncer.folder.stat().st_mode & 0o777 == 0o700
            for name in ("pgbouncer.ini", "userlist.txt"):
                assert (bouncer.folder / name).stat().st_mode & 0o777 == 0o600


async def test_nothing_of_it_is_left_even_with_a_client_and_an_error(own: OwnServer) -> None:
    with pytest.raises(RuntimeError, match="in the middle"):
        async with pgbouncer(own.server) as bouncer:
            client = await asyncpg.connect(**bouncer.arguments(), statement_cache_size=0)
            assert await client.fetchval("SELECT 1") == 1
            raise RuntimeError("in the middle")
    assert not alive(bouncer.pid)
    assert not bouncer.folder.exists()
    client.terminate()
    async with connect(own.server) as look:
        async with asyncio.timeout(LIMIT):
            while await look.fetchval(OTHER_SESSIONS):
                await asyncio.sleep(0.05)


HOLDER = """
import asyncio
from labsupport.postgres import Server, pgbouncer

async def hold():
    server = Server("127.0.0.1", 1, "lab", "secret", "lab", "own")
    async with pgbouncer(server) as bouncer:
        print(bouncer.pid, bouncer.folder, flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


def test_it_ends_when_its_holder_is_killed(home: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=project_root(),
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        assert holder.stdout is not None
        pid, folder = holder.stdout.readline().split(maxsplit=1)
        assert alive(int(pid))
    finally:
        holder.kill()
        holder.wait(LIMIT)
    wait_until(lambda: not alive(int(pid)), "PgBouncer has ended")
    wait_until(lambda: not Path(folder.strip()).exists(), "its folder is removed")


async def test_what_a_dead_holder_and_keeper_left_is_swept(own: OwnServer, home: Path) -> None:
    left = home / "pgbouncer" / "left"
    left.mkdir(parents=True)
    (left / "owner.json").write_text('{"pid": 1, "started": 0}', encoding="utf-8")
    async with pgbouncer(own.server):
        assert not left.exists()


async def test_a_setting_that_it_does_not_know_is_told_in_a_sentence(
    own: OwnServer, home: Path
) -> None:
    with pytest.raises(LabError, match="PgBouncer did not start. Its log says: .*no_such_setting"):
        async with pgbouncer(own.server, settings={"no_such_setting": "1"}):
            pass
    assert list((home / "pgbouncer").iterdir()) == []


async def test_another_port_is_taken_when_the_first_is_not_free(
    own: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1]])
        real = MODULE.free_port
        monkeypatch.setattr(MODULE, "free_port", lambda: next(ports, None) or real())
        async with pgbouncer(own.server) as bouncer, connect(bouncer.server) as connection:
            assert bouncer.server.port != taken.getsockname()[1]
            assert connection.get_server_pid()


async def test_prepared_statements_are_remembered_where_it_can(own: OwnServer) -> None:
    async with pgbouncer(own.server) as bouncer:
        version = bouncer.version
    if version < KEEPS_STATEMENTS_SINCE:
        with pytest.raises(LabError, match="does not know max_prepared_statements"):
            async with pgbouncer(own.server, max_prepared_statements=10):
                pass
        return
    async with (
        pgbouncer(own.server, default_pool_size=2, max_prepared_statements=10) as bouncer,
        connect(bouncer.server) as one,
        connect(bouncer.server) as other,
    ):
        assert await one.fetchval("SELECT 6 * 7") == 42
        async with other.transaction():
            await other.execute("SELECT 1")
            assert await one.fetchval("SELECT 6 * 7") == 42
