"""The two ends of a fleet without its processes: what a member does, and what is missing."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import cloudpickle
import pytest

from labsupport.errors import LabError
from labsupport.lessons import fleet_member
from labsupport.lessons.fleet import start_fleet
from labsupport.places import project_root


async def count(process: SimpleNamespace, step: int) -> tuple[int, int, int]:
    """Add to what this process keeps."""
    process.sum = getattr(process, "sum", 0) + step
    return process.number, process.sum, id(asyncio.get_running_loop())


async def wait_for_ever(process: SimpleNamespace) -> None:
    """Wait for what never comes."""
    await asyncio.Event().wait()


def run(number: int, *work: Any, limit: float = 30) -> Any:
    """Do what `Fleet.run` does, in this process."""
    function, *arguments = work
    packed = cloudpickle.dumps((function, tuple(arguments)))
    return cloudpickle.loads(fleet_member.run_here(number, packed, limit))


def test_a_member_keeps_what_it_is_given_and_its_loop_from_call_to_call() -> None:
    number, first, loop = run(3, count, 5)
    assert (number, first) == (3, 5)
    assert run(3, count, 2) == (3, 7, loop)


def test_a_member_does_not_wait_longer_than_its_limit() -> None:
    with pytest.raises(TimeoutError):
        run(0, wait_for_ever, limit=0.05)


async def test_without_ipyparallel_the_command_that_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LabError, match=r"python3 -m labsupport lab --workshop") as caught:
        await start_fleet()
    assert "ipyparallel" in str(caught.value)


@pytest.mark.parametrize("size", [0, -1, 65, 2.5])
async def test_a_size_that_makes_no_sense_is_refused(size: Any) -> None:
    with pytest.raises(ValueError, match="from 1 to 64"):
        await start_fleet(size)


def test_the_keeper_of_the_processes_brings_nothing_that_only_notebooks_need() -> None:
    """Its import stands between a cell and its processes, and a notebook's takes over a second."""
    program = "import labsupport.fleet_process, sys; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=project_root(), stdout=subprocess.PIPE,
        encoding="utf-8", timeout=60, check=True,
    ).stdout.split()  # fmt: skip
    assert "labsupport.fleet_process" in loaded
    assert not {"matplotlib", "pandas", "IPython", "labsupport.lessons"} & set(loaded)
