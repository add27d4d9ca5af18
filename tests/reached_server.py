"""A pytest plugin for `test --container`: a notebook that used another server is never green.

The server itself is asked, before and after each notebook, how many sessions were opened in the
database that notebooks log in to; nobody else logs in to it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Generator

import pytest

from labsupport.commands.container import count_sessions, watching_server
from tests.notebook_guard import GuardedCell

__all__ = ["pytest_runtest_setup", "pytest_runtest_teardown"]

BEFORE = pytest.StashKey[int]()
REPORT_LIMIT = 5.0
"""Seconds that a server may take until it counts a session that has ended."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Count the sessions when the kernel has started, and no cell has run."""
    yield
    if isinstance(item, GuardedCell) and item.cell_num == 1:
        item.config.stash[BEFORE] = opened()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """Let the last cell fail when its notebook has opened none."""
    yield
    if not isinstance(item, GuardedCell) or (nextitem and nextitem.path == item.path):
        return
    deadline = time.monotonic() + REPORT_LIMIT
    while opened() <= item.config.stash[BEFORE]:
        if time.monotonic() > deadline:
            pytest.fail(
                f"{item.path.name} has opened no session on the server that DB_HOST names: "
                "it ran on another server.",
                pytrace=False,
            )
        time.sleep(0.2)


def opened() -> int:
    """Return how many sessions were opened so far in the notebooks' database."""
    return asyncio.run(count_sessions(watching_server(os.environ)))
