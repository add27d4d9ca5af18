"""A fleet: processes that each run the same coroutine, on this machine or on several.

The processes are engines of ipyparallel. What they do is written in the notebook as a coroutine
function, whose first argument is what its process keeps from one call to the next.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cloudpickle
from IPython.paths import get_ipython_dir

from labsupport.errors import LabError
from labsupport.lessons import fleet_member
from labsupport.postgres.held_process import HeldProcess

__all__ = ["Fleet", "start_fleet"]

START_LIMIT = 90
ANSWER_LIMIT = 30
LARGEST = 64
"""Each process takes about 60 MB of memory."""
ON_THE_WAY = 15
"""Seconds that a call may take longer than its own limit, on a busy machine."""


class Fleet:
    """Running processes, numbered from 0. `len(fleet)` says how many they are."""

    def __init__(self, keeper: HeldProcess, client: Any) -> None:
        self.keeper = keeper
        """The process that keeps them, and ends when this one does."""
        self.client = client
        """ipyparallel's own client, for whoever knows it."""
        ipyparallel = importlib.import_module("ipyparallel")
        self._run_here = ipyparallel.Reference(fleet_member.run_here.__name__)
        client[:].execute(inspect.getsource(fleet_member), block=True)

    def __len__(self) -> int:
        return len(self.client)

    async def run(
        self, work: Callable[..., Awaitable[Any]], *arguments: Any, limit: float = ANSWER_LIMIT
    ) -> list[Any]:
        """Run `await work(process, *arguments)` in every process; return the answers in order.

        `process.number` is the process's number, and anything else that `work` sets on `process`
        is there at the next call. Raises `LabError` when a process fails, or when its answer takes
        longer than `limit` seconds.
        """
        # By value: a function of a notebook exists nowhere else.
        packed = cloudpickle.dumps((work, arguments))
        asked = [
            self.client[engine].apply_async(self._run_here, number, packed, limit)
            for number, engine in enumerate(self.client.ids)
        ]
        answers = []
        try:
            async with asyncio.timeout(limit + ON_THE_WAY):
                for number, result in enumerate(asked):
                    answers.append(await _answer_of(number, result))
        except TimeoutError:
            raise LabError(
                f"Process {len(answers)} did not answer within {limit:g} s. "
                "Run the cell that starts the processes again."
            ) from None
        return answers

    async def stop(self) -> None:
        """End all processes, with a limit; stopping twice is harmless."""
        await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        if not self.keeper.ended():
            self.client.close()
        self.keeper.close()


async def start_fleet(size: int = 4, profile: str | None = None) -> Fleet:
    """Start `size` processes on this machine, or the engines that an ipyparallel profile names.

    They end with `stop`, and by themselves when this process ends. Raises ValueError for a size
    that makes no sense, `LabError` when ipyparallel is not installed, when there is no such
    profile, or when the processes do not start.
    """
    if not isinstance(size, int) or not 1 <= size <= LARGEST:
        raise ValueError(
            f"size is {size!r}. It is a whole number of processes, from 1 to {LARGEST}."
        )
    if importlib.util.find_spec("ipyparallel") is None:
        raise LabError(
            "The package ipyparallel, which runs the processes, is not installed. "
            "Run python3 -m labsupport lab --workshop, which installs it, and begin again."
        )
    if profile is not None and not (_ipython_folder() / f"profile_{profile}").is_dir():
        raise LabError(
            f"There is no profile {profile!r} of ipyparallel in {_ipython_folder()}. Make it with "
            f"`ipython profile create --parallel {profile}`."
        )
    return await asyncio.to_thread(_start, size, profile)


def _ipython_folder() -> Path:
    return Path(get_ipython_dir())


def _start(size: int, profile: str | None) -> Fleet:
    keeper = HeldProcess(
        "labsupport.fleet_process", str(size), profile or "", start_limit=START_LIMIT
    )
    said = keeper.first_words
    try:
        ipyparallel = importlib.import_module("ipyparallel")
        client = ipyparallel.Client(said["connection"], profile_dir=said["profile_dir"])
        # Shown as a widget otherwise, while nothing else can be.
        client.wait_for_engines(int(said["size"]), timeout=START_LIMIT, interactive=False)
        return Fleet(keeper, client)
    except Exception as error:
        keeper.close()
        raise LabError(
            f"The processes of the fleet did not start ({error or type(error).__name__}). "
            "Run this cell again."
        ) from error


async def _answer_of(number: int, result: Any) -> Any:
    try:
        return cloudpickle.loads(await asyncio.wrap_future(result))
    except TimeoutError:
        raise
    except Exception as error:
        raise LabError(f"Process {number} failed: {error}") from error
