"""Templates and the databases of kernels."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from labsupport.errors import LabError
from labsupport.postgres import (
    Server,
    connect,
    databases,
    drop_lab_databases,
    ensure_kernel_database,
    ensure_template,
)
from labsupport.postgres.binaries import find_binaries
from labsupport.postgres.cluster import Cluster
from labsupport.postgres.databases import MINE, _fingerprint, _name_of
from labsupport.postgres.roles import superuser_arguments

KERNEL = """
import asyncio
from labsupport.postgres import connect, ensure_embedded, ensure_kernel_database

async def main():
    server = ensure_embedded(settings={})
    name = await ensure_kernel_database(server)
    async with connect(server, name) as connection:
        print(name, await connection.fetchval("SELECT count(*) FROM users"))

asyncio.run(main())
"""


async def names(server: Server) -> list[str]:
    async with connect(server) as connection:
        return [row["datname"] for row in await connection.fetch(MINE)]


async def test_the_sample_data_is_loaded_once_and_whole(server: Server) -> None:
    await drop_lab_databases(server)
    said: list[str] = []
    template = await ensure_template(server, said.append)
    assert await ensure_template(server, said.append) == template
    assert said == ["Loading the sample data (once) ..."]
    name = await ensure_kernel_database(server)
    async with connect(server, name) as connection:
        for table, rows in {"users": 10_000, "profiles": 10_000, "orders": 20_000}.items():
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == rows


async def test_new_rows_go_on_after_the_loaded_ones(server: Server) -> None:
    name = await ensure_kernel_database(server)
    async with connect(server, name) as connection:
        user = await connection.fetchval(
            "INSERT INTO users (name, email) VALUES ('Test', $1) RETURNING id", "new@example.com"
        )
        order = await connection.fetchval(
            "INSERT INTO orders (user_id, amount_cents) VALUES ($1, 100) RETURNING id", user
        )
    assert (user, order) == (10_001, 20_001)


async def test_a_kernel_keeps_its_database(server: Server) -> None:
    first = await ensure_kernel_database(server)
    async with connect(server, first) as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS kept ()")
    assert await ensure_kernel_database(server) == first
    async with connect(server, first) as connection:
        assert await connection.fetchval("SELECT to_regclass('kept')") is not None


async def test_kernels_that_begin_at_once_get_a_database_each(server: Server) -> None:
    await drop_lab_databases(server)
    kernels = [
        subprocess.Popen([sys.executable, "-c", KERNEL], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [kernel.communicate(timeout=90)[0].split() for kernel in kernels]
    assert len({name for name, _ in said}) == 3
    assert {rows for _, rows in said} == {"10000"}


async def test_a_half_loaded_template_is_never_used(server: Server) -> None:
    await drop_lab_databases(server)
    half = _name_of(pid=999_999_999, started=1, kind="building")
    async with connect(server) as connection:
        await connection.execute(f'CREATE DATABASE "{half}"')
    await ensure_kernel_database(server)
    assert half not in await names(server)


async def test_only_what_this_clone_made_is_dropped(server: Server) -> None:
    mine = await ensure_kernel_database(server)
    others = ["precious", "lab_kernel_abcdef_1_1"]
    async with connect(server) as connection:
        for name in others:
            await connection.execute(f'CREATE DATABASE "{name}"')
    dropped = await drop_lab_databases(server)
    assert mine in dropped and len(dropped) == 2
    assert set(others) <= set(await names(server))


async def test_a_role_that_may_not_create_databases_is_told_what_to_ask_for(
    server: Server, shared_home: Path
) -> None:
    cluster = Cluster(shared_home / "servers" / "18", find_binaries({}))
    superuser = await asyncpg.connect(**superuser_arguments(cluster, server.port))
    await superuser.execute("CREATE ROLE poor LOGIN PASSWORD 'poor'")
    await superuser.close()
    poor = replace(server, user="poor", password="poor")
    with pytest.raises(LabError, match="ALTER ROLE poor CREATEDB"):
        await ensure_kernel_database(poor)


async def test_a_stuck_neighbour_is_waited_for_with_a_limit(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labsupport.postgres.databases.LOCK_LIMIT", "300ms")
    async with connect(server) as neighbour:
        await neighbour.execute("SELECT pg_advisory_lock(7300401)")
        with pytest.raises(LabError, match="Another kernel has been preparing"):
            await asyncio.wait_for(ensure_template(server), timeout=20)


@pytest.mark.parametrize("at_once", [False, True], ids=["before", "at once"])
async def test_a_neighbour_with_another_db_name_may_make_the_template_first(
    server: Server, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    await drop_lab_databases(server)
    template, fill = f"lab_template_{_fingerprint(server.user)}", databases._fill
    waiting = (
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted)"
    )
    commits = []

    async def commit_when_waited_for(transaction: Any) -> None:
        async with asyncio.timeout(20), connect(server) as watcher:
            while not await watcher.fetchval(waiting):
                await asyncio.sleep(0.02)
        await transaction.commit()

    async with connect(server) as neighbour:

        async def fill_beside_a_neighbour(server: Server, connection: Any, half: str) -> None:
            await fill(server, connection, half)
            await neighbour.execute(f'CREATE DATABASE theirs TEMPLATE "{half}"')
            transaction = neighbour.transaction()
            await transaction.start()
            await neighbour.execute(f'ALTER DATABASE theirs RENAME TO "{template}"')
            if at_once:
                commits.append(asyncio.create_task(commit_when_waited_for(transaction)))
            else:
                await transaction.commit()

        monkeypatch.setattr(databases, "_fill", fill_beside_a_neighbour)
        assert await ensure_template(server) == template
        await asyncio.gather(*commits)
    assert not [name for name in await names(server) if "building" in name]
    name = await ensure_kernel_database(server)
    async with connect(server, name) as connection:
        assert await connection.fetchval("SELECT count(*) FROM users") == 10_000
