"""The stop button alone ends a cell, also one that waits in `await`, and a sentence says so."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator

import pytest

from labsupport.lessons.stop_button import StopButton
from tests.homes import temporary_home
from tests.lessons.kernels import BEGIN, Kernel, a_kernel

WAITS = """\
import asyncio

async def wait_for_ever():
    print("waiting", flush=True)
    await asyncio.Event().wait()

await wait_for_ever()
"""
SLEEPS = 'import time\nprint("sleeping", flush=True)\ntime.sleep(60)'
KEEPS = """
with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
    print("waiting", flush=True)
    await asyncio.Event().wait()
print("kept")
"""
CANCELLED = """
task = asyncio.create_task(asyncio.sleep(60))
task.cancel()
await task
"""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    """One kernel in which a lesson has begun."""
    with temporary_home(), a_kernel() as kernel:
        assert "Lesson 99 is ready" in kernel.said(BEGIN)
        yield kernel


def test_it_ends_a_cell_that_waits_and_names_the_line(kernel: Kernel) -> None:
    said = kernel.said(WAITS, stop_at="waiting")
    assert "This cell was stopped in line 5: await asyncio.Event().wait()." in said
    assert "Traceback" not in said
    assert "4" in kernel.said("print(2 + 2)")


def test_it_ends_a_cell_that_does_not_await(kernel: Kernel) -> None:
    said = kernel.said(SLEEPS, stop_at="sleeping")
    assert "This cell was stopped in line 3: time.sleep(60)." in said
    assert "Traceback" not in said


def test_a_cancelled_task_of_the_cells_own_keeps_its_traceback(kernel: Kernel) -> None:
    assert "kept" in kernel.said("import asyncio, contextlib" + KEEPS, stop_at="waiting")
    said = kernel.said(CANCELLED)
    assert "CancelledError" in said
    assert "This cell was stopped" not in said


async def test_a_loop_that_wakes_already_keeps_what_wakes_it() -> None:
    ear, bell = socket.socketpair()
    with ear, bell:
        bell.setblocking(False)
        before = signal.set_wakeup_fd(bell.fileno())
        try:
            StopButton().listen()
        finally:
            found = signal.set_wakeup_fd(before)
        assert found == bell.fileno()
