"""`kill -9` of each process: the next start works, and nothing stays behind."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from labsupport.postgres import connect, embedded_status, ensure_embedded, ensure_kernel_database
from labsupport.postgres.binaries import find_binaries
from labsupport.postgres.cluster import Cluster
from labsupport.postgres.databases import MINE
from tests.homes import alive, processes_of, wait_until

KERNEL = """
import asyncio, json, sys
from labsupport.postgres import ensure_embedded, ensure_kernel_database, own_server

async def main():
    server = ensure_embedded(settings={})
    database = await ensure_kernel_database(server)
    async with own_server(max_connections=20) as own:
        pid, folder = own.cluster.postmaster(), str(own.cluster.folder)
        print(json.dumps({"database": database, "pid": pid, "folder": folder}), flush=True)
        await asyncio.sleep(100)

asyncio.run(main())
"""

BREAKER = """
import asyncio, sys, asyncpg
from labsupport.postgres import own_server

async def main():
    async with own_server() as own:
        session = await asyncpg.connect(**own.arguments())
        {action}
        print(own.cluster.folder, flush=True)
        {then}
        await asyncio.sleep(100)

asyncio.run(main())
"""

MAKER = """
import sys
from pathlib import Path
from labsupport.postgres.binaries import find_binaries
from labsupport.postgres.cluster import Cluster

Cluster(Path(sys.argv[1]), find_binaries({})).make()
"""


def processes() -> dict[str, int]:
    status = embedded_status()[0]
    guard = psutil.Process(status.supervisor_pid).children()[0]
    assert status.server_pid is not None
    return {"supervisor": status.supervisor_pid, "guard": guard.pid, "server": status.server_pid}


@pytest.mark.parametrize(
    "victims", [["supervisor"], ["guard"], ["server"], ["supervisor", "guard"]], ids="+".join
)
async def test_the_next_start_works_and_nothing_stays(
    shared_home: Path, victims: list[str]
) -> None:
    server, precious = ensure_embedded(settings={}), f"precious_{'_'.join(victims)}"
    async with connect(server) as connection:
        await connection.execute(f"CREATE DATABASE {precious}")
    before = processes()
    for victim in victims:
        psutil.Process(before[victim]).kill()
    # Whoever is left ends the others; with both watchers killed, the next start does.
    for name in before if len(victims) == 1 else victims:
        wait_until(lambda pid=before[name]: not alive(pid), f"the {name} ends")
    again = ensure_embedded(settings={})
    after = processes()
    assert not set(before.values()) & set(after.values())
    assert not any(alive(pid) for pid in before.values())
    async with connect(again, "postgres") as connection:
        there = "SELECT 1 FROM pg_database WHERE datname = $1"
        assert await connection.fetchval(there, precious)


async def test_a_killed_kernel_leaves_no_server_and_no_database(shared_home: Path) -> None:
    kernel = subprocess.Popen([sys.executable, "-c", KERNEL], stdout=subprocess.PIPE)
    assert kernel.stdout is not None
    made = json.loads(kernel.stdout.readline())
    assert alive(made["pid"])
    kernel.kill()
    kernel.wait(timeout=10)
    wait_until(lambda: not alive(made["pid"]), "the throwaway server ends")
    wait_until(lambda: not Path(made["folder"]).exists(), "its folder is removed")

    server = ensure_embedded(settings={})
    async with connect(server) as connection:
        assert made["database"] in [row[0] for row in await connection.fetch(MINE)]
        own = await ensure_kernel_database(server)
        left = [row[0] for row in await connection.fetch(MINE)]
    assert made["database"] not in left
    assert own in left


@pytest.mark.parametrize(
    ("action", "then"),
    [
        ("await own.stop()", "pass"),
        ("own.freeze(session.get_server_pid())", "pass"),
        ("pass", "while True: await own.restart()"),
    ],
    ids=["stopped", "frozen", "in the middle of restarts"],
)
def test_a_kernel_killed_in_the_middle_of_a_fault_leaves_nothing(
    shared_home: Path, action: str, then: str
) -> None:
    code = BREAKER.format(action=action, then=then)
    kernel = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert kernel.stdout is not None
    folder = Path(kernel.stdout.readline().decode().strip())
    assert folder.is_dir()
    if then != "pass":
        time.sleep(0.35)
    kernel.kill()
    kernel.wait(timeout=10)
    wait_until(lambda: not folder.exists(), "its folder is removed", limit=60)
    assert processes_of(folder) == []


def making(folder: Path) -> list[psutil.Process]:
    """Return the living `initdb` that work in `folder`."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if "initdb" in process.info["name"] and str(folder) in line:
            found.append(process)
    return found


def wake(processes: list[psutil.Process]) -> None:
    """Let suspended processes go on, those that are still there."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


@pytest.mark.parametrize("moment", ["PG_VERSION", "global/pg_control"])
def test_a_start_that_was_killed_while_it_made_the_data_does_not_disturb_the_next(
    shared_home: Path, moment: str
) -> None:
    folder = shared_home / "servers" / f"killed at {moment.rpartition('/')[2]}"
    maker = subprocess.Popen([sys.executable, "-c", MAKER, str(folder)])
    wait_until(lambda: list(folder.glob(f"*/data/{moment}")) != [], "initdb has begun")
    orphans = making(folder)  # On Windows there are two: initdb runs itself with fewer rights.
    assert orphans
    for orphan in orphans:
        orphan.suspend()
    cluster = Cluster(folder, find_binaries({}))
    try:
        maker.kill()
        maker.wait(timeout=10)
        with ThreadPoolExecutor() as pool:
            next_start = pool.submit(cluster.make)
            wait_until(lambda: set(making(folder)) - set(orphans) != set(), "the next initdb runs")
            wake(orphans)
            next_start.result(timeout=60)
    finally:
        wake(orphans)
    wait_until(lambda: not any(alive(orphan.pid) for orphan in orphans), "the orphans end")
    assert cluster.is_made
    cluster.start()
    assert cluster.stop()
    cluster.make()
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["server"]
    cluster.remove()
