"""Execute a notebook from top to bottom, as *Restart and run all* does, and keep its outputs."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import ensure_event_loop
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

__all__ = ["CELL_LIMIT", "Executed", "execute"]

CELL_LIMIT = 60
"""Seconds that one cell may take, and that a kernel may take to start."""

CANCEL_LIMIT = 10
"""Seconds that what waits for a kernel may take to end after Ctrl-C."""

TERMINAL_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Executed:
    """A notebook with its outputs, as far as it came.

    `problem` is empty, or one sentence that says why it did not come to its end.
    """

    name: str
    notebook: NotebookNode
    problem: str


class ThisPython(AsyncKernelManager):
    """Starts kernels of the Python that runs this, and not of one that the user has elsewhere."""

    def __init__(self, **settings: Any) -> None:
        # Kernels speak over loopback, which the other users of a machine share.
        super().__init__(transport_encryption="auto", **settings)

    @property
    def kernel_spec(self) -> KernelSpec:
        """The kernel that `ipykernel` would install for this Python."""
        return KernelSpec(**get_kernel_dict())


def execute(path: Path, cell_limit: float = CELL_LIMIT) -> Executed:
    """Run the notebook at `path` in its own folder; a cell that fails ends the run.

    `cell_limit` is in seconds. The kernel is gone when this returns, also after Ctrl-C.
    """
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook,
        timeout=cell_limit,
        startup_timeout=CELL_LIMIT,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(path.parent)}},
    )
    problem = ""
    # Unlike `client.execute()`, this leaves the handlers of Ctrl-C and SIGTERM alone. What a kernel
    # itself writes to stderr is about kernels; what cells write is among their outputs.
    with client.setup_kernel(stderr=subprocess.DEVNULL):
        number = 0
        for index, cell in enumerate(notebook.cells):
            number += cell.cell_type == "code"
            try:
                client.execute_cell(cell, index)
            except CellTimeoutError:
                problem = f"Code cell {number} took longer than {cell_limit:g} s."
            except DeadKernelError:
                problem = f"The kernel died in code cell {number}."
            except CellControlSignal:
                problem = f"Code cell {number} failed: {_last_error(cell)}"
            except KeyboardInterrupt:
                _stop_waiting()
                raise
            if problem:
                break
    return Executed(path.stem, notebook, problem)


def _stop_waiting() -> None:
    """End what nbclient left waiting for the kernel; it would complain of the kernel's end."""
    loop = ensure_event_loop()
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()

    async def see_them_end() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_LIMIT):
                await asyncio.gather(*waiting, return_exceptions=True)

    loop.run_until_complete(see_them_end())


def _last_error(cell: NotebookNode) -> str:
    """Return the name and the text of the exception that ended `cell`, on one line."""
    errors = [output for output in cell.outputs if output.output_type == "error"]
    if not errors:
        return "it raised an error that it did not show."
    text = TERMINAL_COLOUR.sub("", f"{errors[-1].ename}: {errors[-1].evalue}")
    return " ".join(text.split())
