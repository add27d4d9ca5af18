"""One participant: lesson 01's way through the lab, on the server that a handed-out file names.

It waits for the go, begins the lesson, compares a connection each time with a pool of ten as the
lesson does, and finishes. The last line that it prints is JSON: the ratio, the number of requests
and the errors of each way.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
import time
from pathlib import Path

from labsupport.lessons import begin, finish, verify
from labsupport.lessons.beginning import Lab
from labsupport.measuring import (
    ClosedLoop,
    Comparison,
    Request,
    compare,
    connect_each_time,
    open_pool,
    through_pool,
)
from labsupport.postgres import read_settings

COUNT_USERS = "SELECT count(*) FROM users"
GO_LIMIT = 300
PATIENCE = 90.0


def wait_for(go: Path) -> None:
    """Wait until the file is there, so that everybody begins at the same moment."""
    deadline = time.monotonic() + GO_LIMIT
    while not go.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no go within {GO_LIMIT} s")
        time.sleep(0.05)


async def compare_as_in_the_lesson(lab: Lab, seconds: float) -> Comparison:
    """A connection each time against a pool of ten, ten clients each."""
    # Thirty clients share the processors of one machine here, so that each may wait for long.
    where = {**lab.arguments, "timeout": PATIENCE, "command_timeout": PATIENCE}
    async with open_pool(10, **where) as pool:
        ways: dict[str, Request] = {
            "connect each time": connect_each_time(COUNT_USERS, **where),
            "pool of 10": through_pool(pool, COUNT_USERS, timeout=PATIENCE),
        }
        facts = {**lab.conditions, "query": COUNT_USERS}
        return await compare(
            ways, ClosedLoop(clients=10, seconds=seconds, patience=PATIENCE), facts=facts
        )


async def take_part(seconds: float) -> dict[str, object]:
    """Go through the lesson once."""
    lab = await begin("01")
    comparison = await compare_as_in_the_lesson(lab, seconds)
    failed = {name: dict(result.errors) for name, result in comparison.results.items()}
    verify("No request failed.", [name for name, errors in failed.items() if errors], [])
    await finish(lab)
    requests = {name: result.requests for name, result in comparison.results.items()}
    return {"ratio": comparison.ratio().median, "failed": failed, "requests": requests}


def main(handed_out: Path, home: Path, go: Path, seconds: float) -> None:
    """Be a process of a participant: with the settings of the file and folders of its own.

    Their machines have a measuring lock each; a temporary folder each does the same here.
    """
    os.environ.update(read_settings({}, handed_out), LAB_HOME=str(home))
    tempfile.tempdir = str(home)
    with (
        (home / "said.txt").open("w", encoding="utf-8", buffering=1) as said,
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        print("here")
        wait_for(go)
        print(json.dumps(asyncio.run(take_part(seconds))))
