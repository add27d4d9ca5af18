"""What the tests of the measuring room share: a lock of their own, requests that only sleep."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from labsupport.measuring import ClosedLoop

SHORT = ClosedLoop(clients=10, seconds=0.3, warmup=0.0, slice_seconds=0.1)
IMPATIENT = replace(SHORT, patience=0.2)
"""For requests that hang; a request that does not may be late on a busy machine."""


@pytest.fixture(autouse=True)
def own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the measuring lock that no other measurement of this machine uses."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def sleeper(seconds: float) -> Callable[[], Awaitable[None]]:
    """A request that sleeps so long."""

    async def request() -> None:
        await asyncio.sleep(seconds)

    return request
