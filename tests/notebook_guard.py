"""A pytest plugin that makes nbval honest: a notebook that did not work is never green.

nbval runs each code cell of a notebook as a test. Left alone it calls several kinds of failure
passed: an unknown magic, a cell that swallows its time-out, background work that fails unseen.
It goes on after a failed cell, and it waits the whole cell limit for a kernel that has died.
The three subclasses below take the place of nbval's own classes and close these gaps.

Cells are counted from 1, code cells only, as JupyterLab shows them after *Restart and run all*.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from typing import Any

import nbval.plugin
import pytest
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

__all__ = ["GuardedCell", "GuardedKernel", "GuardedNotebook", "KernelDied"]

CELL_LIMIT = 60.0
"""Seconds that one cell may take at most; also the default of `--nbval-cell-timeout`."""

NBVAL_DEFAULT_LIMIT = 2000.0
"""What nbval uses for `--nbval-cell-timeout` when the option is not given."""

ALIVE_CHECK = 0.5
"""Seconds between two looks at whether a silent kernel still lives."""

SIGNS = {
    "UsageError:": "a magic command failed or is unknown, and the rest of the cell did not run",
    "exception was never retrieved": "background work failed and nobody awaited it",
    "was never awaited": "a coroutine was made but never awaited: an `await` is missing",
    "Task was destroyed but it is pending": "a background task was dropped before it ended",
    "Exception in callback": "a callback of the event loop failed",
    "Exception in thread": "a thread failed",
    "Exception ignored in": "an object could not be cleaned up",
}
"""What a kernel writes to stderr about failures that no cell raises, and what it means."""

LAST_LOOK = """
import asyncio
for _ in range(5):
    await asyncio.sleep(0)
get_ipython().reset(new_session=False)
import gc
gc.collect()
"""
"""Run after the last cell: lets go of every variable, so that failed tasks report themselves."""


class KernelDied(Exception):
    """The kernel's process has ended while an answer of it was awaited."""


class GuardedKernel(RunningKernel):  # type: ignore[misc]
    """nbval's kernel, which also notices its own death and remembers what nbval drops."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.stderr: list[str] = []
        """What was written to stderr, by any cell, and was not looked at yet."""
        self.statuses: dict[str, str] = {}
        """The kernel's own verdict ("ok", "error") on each request, by its id."""
        self.request = ""
        """The id of the cell that was sent last."""
        super().__init__(*args, **kwargs)

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send one cell's code; the id of the request."""
        self.request = super().execute_cell_input(cell_input, allow_stdin=allow_stdin)
        return self.request

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next message of `stream` within `timeout` seconds (None: no limit).

        Raises `queue.Empty` when the time is up and `KernelDied` when nobody will answer.
        """
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            wait = max(0.0, min(ALIVE_CHECK, deadline - time.monotonic()))
            try:
                message: dict[str, Any] = super().get_message(stream, timeout=wait)
            except Empty:
                if not self.is_alive():
                    raise KernelDied from None
                if time.monotonic() >= deadline:
                    raise
            else:
                self._remember(message)
                return message

    def _remember(self, message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] == "stream" and content["name"] == "stderr":
            self.stderr.append(content["text"])
        elif message["msg_type"] == "execute_reply":
            self.statuses[message["parent_header"]["msg_id"]] = content["status"]

    def take_last_look(self, limit: float) -> None:
        """Make forgotten background failures show; see `LAST_LOOK`. Raises as `get_message`."""
        request = self.kc.execute(LAST_LOOK, silent=True, store_history=False, allow_stdin=False)
        self.await_reply(request, timeout=limit)
        self.await_idle(request, limit)
        if self.statuses[request] != "ok":
            raise RuntimeError("The look for failed background work has itself failed.")


class GuardedCell(IPyNbCell):  # type: ignore[misc]
    """One code cell as a test; red whenever the cell did not do what it says."""

    def runtest(self) -> None:
        """Run the cell by nbval, then ask what nbval does not ask."""
        notebook: GuardedNotebook = self.parent
        if not notebook.kernel.is_alive():
            self.raise_cell_error(f"the kernel died after cell {self.cell_num - 1} had ended")
        try:
            super().runtest()
            self._check_time()
            self._check_error()
            if self.cell_num == notebook.cell_count:
                self._take_last_look()
        except KernelDied:
            self.raise_cell_error(f"the kernel died in cell {self.cell_num}")
        self._check_stderr()

    def _check_time(self) -> None:
        """A cell that swallows the interrupt at its limit looks as if it had ended by itself."""
        if self.parent.timed_out:
            limit = self.config.option.nbval_cell_timeout
            self.raise_cell_error(f"the cell took longer than its limit of {limit:g} s")

    def _check_error(self) -> None:
        """The kernel's own verdict counts, and a promised exception has to come."""
        kernel: GuardedKernel = self.parent.kernel
        failed = kernel.statuses.get(kernel.request) == "error"
        if failed and not self.options["check_exception"]:
            self._check_stderr()
            self.raise_cell_error("the kernel reports that the cell failed, without saying how")
        if self.options["check_exception"] and not failed:
            self.raise_cell_error("the cell is marked to raise an exception and raised none")

    def _take_last_look(self) -> None:
        try:
            self.parent.kernel.take_last_look(self.config.option.nbval_cell_timeout)
        except Empty:
            self.raise_cell_error("the kernel did not answer any more after the last cell")

    def _check_stderr(self) -> None:
        """Failures that only stderr tells of, whichever cell they belong to."""
        kernel: GuardedKernel = self.parent.kernel
        text = "".join(kernel.stderr)
        kernel.stderr.clear()
        for sign, meaning in SIGNS.items():
            if sign in text:
                self.raise_cell_error(f"{meaning}; stderr says:\n{text.strip()}")


class GuardedNotebook(IPyNbFile):  # type: ignore[misc]
    """One notebook as a collection of cells; a notebook without code is an error."""

    cell_count = 0
    """Code cells in the notebook, known after `collect`."""

    def collect(self) -> Iterator[GuardedCell]:
        """Yield the notebook's code cells in order. Raises `CollectError` when there are none."""
        cells = list(super().collect())
        if not any(cell.cell.source.strip() for cell in cells):
            raise self.CollectError(f"{self.path.name} has no code cells, so nothing was tested.")
        self.cell_count = len(cells)
        for number, cell in enumerate(cells, start=1):
            yield GuardedCell.from_parent(
                self, name=f"Cell {number}", cell_num=number, cell=cell.cell, options=cell.options
            )

    def teardown(self) -> None:
        """Stop the kernel, and clear up after one that died by itself."""
        super().teardown()
        if hasattr(self.kernel, "km"):
            self.kernel.stop()


@dataclass(frozen=True)
class Broken:
    """A notebook whose run ended early: where, and how many cells after it were not run."""

    notebook: Path
    cell: int
    not_run: int

    def __str__(self) -> str:
        return (
            f"{self.notebook.name}: cell {self.cell} failed; cells after it that were not run: "
            f"{self.not_run}."
        )


BROKEN = pytest.StashKey[list[Broken]]()


def pytest_configure(config: pytest.Config) -> None:
    """Let nbval start guarded kernels and settle the limit of a cell."""
    config.stash[BROKEN] = []
    nbval.plugin.RunningKernel = GuardedKernel
    config.option.nbval_cell_timeout = cell_limit(config)


def cell_limit(config: pytest.Config) -> float:
    """Seconds that a cell may take, as asked for, or `CELL_LIMIT` when nothing was asked for.

    Raises `pytest.UsageError` for a limit that is not above 0 or exceeds `CELL_LIMIT`.
    """
    asked = float(config.option.nbval_cell_timeout)
    option = "--nbval-cell-timeout"
    given = any(str(argument).startswith(option) for argument in config.invocation_params.args)
    if asked == NBVAL_DEFAULT_LIMIT and not given:
        return CELL_LIMIT
    if not 0 < asked <= CELL_LIMIT:
        raise pytest.UsageError(
            f"{option} is {asked:g}; choose more than 0 and at most {CELL_LIMIT:g} seconds."
        )
    return asked


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Put a guarded notebook in the place of each that nbval collects."""
    collected = yield
    return [
        GuardedNotebook.from_parent(parent, path=file_path) if type(found) is IPyNbFile else found
        for found in collected
    ]


def cells_among(items: list[pytest.Item]) -> list[GuardedCell]:
    """The notebook cells among the collected tests."""
    return [item for item in items if isinstance(item, GuardedCell)]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse a run that would test no notebook, or cells in another order than a learner's."""
    option = session.config.option
    if not (option.nbval or option.nbval_lax) or session.testsfailed:
        return
    cells = cells_among(session.items)
    if not cells:
        raise pytest.UsageError("No notebook was collected: name the folder that holds them.")
    stray = first_stray(cells)
    if stray:
        raise pytest.UsageError(
            f"The cells of {stray.path.name} are not in their order: switch off the plugin that "
            "reorders tests, for example by -p no:randomly."
        )


def first_stray(cells: list[GuardedCell]) -> GuardedCell | None:
    """The first cell that comes too late, or after a cell of another notebook; None is well."""
    begun: set[Path] = set()
    previous: GuardedCell | None = None
    for cell in cells:
        if previous is None or cell.path != previous.path:
            if cell.path in begun:
                return cell
            begun.add(cell.path)
        elif cell.cell_num < previous.cell_num:
            return cell
        previous = cell
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """After a notebook's first failure, leave out its other cells: they could only follow suit."""
    report = yield
    if report.failed and isinstance(item, GuardedCell):
        stop_notebook(item)
    return report


def stop_notebook(failed: GuardedCell) -> None:
    """Mark the cells after `failed` as not run, and keep one line for the end of the report."""
    rest = [
        cell
        for cell in cells_among(failed.session.items)
        if cell.parent is failed.parent and cell.cell_num > failed.cell_num
    ]
    for cell in rest:
        cell.add_marker(pytest.mark.skip(reason=f"not run, because cell {failed.cell_num} failed"))
    failed.config.stash[BROKEN].append(Broken(failed.path, failed.cell_num, len(rest)))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """One line for each notebook that did not come to its end."""
    broken = config.stash[BROKEN]
    if broken:
        terminalreporter.section("notebooks that did not come to their end")
        for notebook in broken:
            terminalreporter.write_line(str(notebook))
