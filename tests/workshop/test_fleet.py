"""A fleet of real processes: what they do, where they listen, and that none is left."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from labsupport.errors import LabError
from labsupport.lessons.fleet import Fleet, start_fleet
from labsupport.places import project_root
from tests.homes import alive, wait_until

LIMIT = 60


async def who(process: SimpleNamespace, word: str) -> tuple[int, str, int, int]:
    """Say who answers, and how many calls there were."""
    process.calls = getattr(process, "calls", 0) + 1
    return process.number, word, process.calls, os.getpid()


async def fail_in_the_second(process: SimpleNamespace) -> None:
    """Fail in one process."""
    if process.number == 1:
        raise RuntimeError("out of luck")


async def wait_for_ever(process: SimpleNamespace) -> None:
    """Wait for what never comes."""
    await asyncio.Event().wait()


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Two processes for the tests that leave them running."""
    with asyncio.Runner() as runner:
        started = runner.run(start_fleet(2))
        try:
            yield started
        finally:
            pids = [process.pid for process in family(started.keeper.pid)]
            runner.run(started.stop())
            assert not [pid for pid in pids if alive(pid)]


async def test_each_process_answers_in_its_place_and_keeps_what_it_has(fleet: Fleet) -> None:
    first = await fleet.run(who, "hello")
    assert len(fleet) == len(first) == 2
    assert [(number, word) for number, word, *_ in first] == [(0, "hello"), (1, "hello")]
    second = await fleet.run(who, "again")
    assert [calls for *_, calls, _ in second] == [calls + 1 for *_, calls, _ in first]
    pids = {pid for *_, pid in first}
    assert pids == {pid for *_, pid in second}
    assert len(pids | {os.getpid()}) == 3


async def test_a_process_that_fails_is_named_with_its_error(fleet: Fleet) -> None:
    with pytest.raises(LabError, match="Process 1 failed: .*RuntimeError: out of luck"):
        await fleet.run(fail_in_the_second)
    assert len(await fleet.run(who, "still there")) == 2


async def test_a_process_that_waits_for_ever_is_given_up(fleet: Fleet) -> None:
    with pytest.raises(LabError, match="Process 0 failed: .*TimeoutError"):
        await fleet.run(wait_for_ever, limit=0.2)
    assert len(await fleet.run(who, "still there")) == 2


def test_they_listen_on_this_machine_only(fleet: Fleet) -> None:
    listening = {
        connection.laddr.ip
        for process in family(fleet.keeper.pid)
        for connection in process.net_connections()
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


HOLDER = """
import asyncio
from labsupport.lessons.fleet import start_fleet

async def hold():
    fleet = await start_fleet(1)
    print(fleet.keeper.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(hold())
"""


def test_they_end_when_the_notebook_is_killed() -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER], cwd=project_root(), stdout=subprocess.PIPE, encoding="utf-8"
    )
    try:
        assert holder.stdout is not None
        pids = [process.pid for process in family(int(holder.stdout.readline()))]
        assert len(pids) > 2
    finally:
        holder.kill()
        holder.wait(LIMIT)
    wait_until(lambda: not [pid for pid in pids if alive(pid)], "all of them have ended", LIMIT)


PROFILE = """
c.Cluster.n = 2
c.Cluster.controller_ip = "127.0.0.1"
c.IPController.use_threads = True
"""


async def test_a_profile_says_where_and_how_many_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    folder = tmp_path / "profile_room"
    folder.mkdir()
    (folder / "ipcluster_config.py").write_text(PROFILE, encoding="utf-8")
    fleet = await start_fleet(profile="room")
    try:
        assert len(await fleet.run(who, "hello")) == len(fleet) == 2
        assert list((folder / "log").glob("ipengine*"))
    finally:
        await fleet.stop()


async def test_a_profile_that_is_not_there_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    with pytest.raises(LabError, match="no profile 'nowhere'.*ipython profile create"):
        await start_fleet(profile="nowhere")
