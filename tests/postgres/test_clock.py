"""A clock that is set while the lab runs: nobody who lives is taken for dead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from labsupport.commands.labs import other_labs, registered
from labsupport.postgres import (
    Server,
    connect,
    drop_lab_databases,
    embedded_status,
    ensure_kernel_database,
)
from labsupport.postgres.databases import MINE, _name_of, _this_clone
from labsupport.postgres.status import is_alive, me

AFTER_A_STEP = """
import asyncio, json, sys
import psutil

if psutil.LINUX:
    from psutil import _pslinux as system

    before, step = system.boot_time, float(sys.argv[1])
    system.boot_time = lambda: before() + step

from labsupport.commands.labs import other_labs
from labsupport.postgres import drop_database, embedded_status, ensure_embedded
from labsupport.postgres import ensure_kernel_database
from labsupport.postgres.status import is_alive, me

async def main():
    parent = json.loads(sys.argv[2])
    server = ensure_embedded(settings={})
    name = await ensure_kernel_database(server)
    await drop_database(server, name)
    seen = {"alive": is_alive(parent), "labs": other_labs(), "me": me(), "name": name}
    seen["supervisors"] = [status.supervisor_pid for status in embedded_status()]
    print(json.dumps(seen))

asyncio.run(main())
"""


@pytest.mark.parametrize("step", ["-3600", "-1", "1", "3600"])
async def test_a_kernel_that_begins_after_a_step_of_the_clock_disturbs_nobody(
    server: Server, step: str
) -> None:
    name, (status,) = await ensure_kernel_database(server), embedded_status()
    async with connect(server, name) as session:
        with registered():
            said = subprocess.run(
                [sys.executable, "-c", AFTER_A_STEP, step, json.dumps(me())],
                stdout=subprocess.PIPE,
                timeout=120,
                check=True,
            )
        assert await session.fetchval("SELECT current_database()") == name
    seen = json.loads(said.stdout)
    assert seen["alive"] is True and seen["labs"] == [os.getpid()]
    assert seen["supervisors"] == [status.supervisor_pid]
    assert not is_alive(seen["me"])
    assert await ensure_kernel_database(server) == name != seen["name"]


@pytest.mark.parametrize("step", [-3600.0, -1.0, 1.0, 3600.0])
def test_a_process_stays_who_it_is_when_the_clock_is_set(
    monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    before = me()
    if psutil.LINUX:
        system = sys.modules["psutil._pslinux"]
        booted, began = system.boot_time(), psutil.Process().create_time()
        monkeypatch.setattr(system, "boot_time", lambda: booted + step)
        assert psutil.Process().create_time() == pytest.approx(began + step, rel=0, abs=0.05)
    assert me() == before and is_alive(before)


def test_after_the_next_start_of_the_machine_all_processes_before_it_are_dead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boots = [tmp_path / "first", tmp_path / "second"]
    for number, boot in enumerate(boots, start=1):
        boot.write_text(f"bc3bacd{number}-a4a1-4121-a902-01ebd83e4389\n", encoding="ascii")
    monkeypatch.setattr("labsupport.postgres.status.BOOT_ID", boots[0])
    before = me()
    assert is_alive(before)
    monkeypatch.setattr("labsupport.postgres.status.BOOT_ID", boots[1])
    assert not is_alive(before) and is_alive(me())


def test_where_no_boot_has_a_number_a_process_is_known_by_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("labsupport.postgres.status.BOOT_ID", tmp_path / "none")
    assert me()["started"] == int(psutil.Process().create_time())
    assert is_alive(me())
    assert not is_alive({**me(), "started": me()["started"] - 2})


async def test_databases_that_carry_the_moment_by_the_clock_are_swept_when_nobody_has_them(
    server: Server, shared_home: Path
) -> None:
    now = int(psutil.Process().create_time())
    theirs = f"lab_kernel_{_this_clone()}_{os.getpid()}_{now}"
    dead = [f"lab_kernel_{_this_clone()}_{os.getpid()}_{now - 86_400}", _name_of(999_999_999, 1)]
    async with connect(server) as connection:
        for name in (theirs, *dead):
            await connection.execute(f'CREATE DATABASE "{name}"')
        await ensure_kernel_database(server)
        left = [row["datname"] for row in await connection.fetch(MINE)]
    assert theirs in left and not set(dead) & set(left)
    assert theirs in await drop_lab_databases(server)
    assert other_labs() == []
