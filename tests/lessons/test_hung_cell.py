"""What lesson 00 says of a cell that hangs in other notebooks is what their kernel does."""

from __future__ import annotations

import queue
import time

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

ANSWER_LIMIT = 60
"""Seconds within which a kernel that can answer has answered, on a busy machine too."""


def errors_and_ends(
    client: BlockingKernelClient, seconds: float, *, until_the_end: bool = False
) -> list[str]:
    """Return what the kernel says within `seconds`: names of errors, and "idle".

    `until_the_end`: return as soon as it is idle.
    """
    said: list[str] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not (until_the_end and "idle" in said):
        try:
            message = client.get_iopub_msg(timeout=0.2)
        except queue.Empty:
            continue
        if message["msg_type"] == "error":
            said.append(message["content"]["ename"])
        elif message["content"].get("execution_state") == "idle":
            said.append("idle")
    return said


def test_stop_alone_does_not_end_it_and_stop_with_another_cell_does() -> None:
    manager, client = start_new_kernel()
    try:
        client.execute("import asyncio")
        assert errors_and_ends(client, ANSWER_LIMIT, until_the_end=True) == ["idle"]
        client.execute("await asyncio.Event().wait()")
        assert errors_and_ends(client, 1) == []
        manager.interrupt_kernel()
        assert errors_and_ends(client, 2) == []
        client.execute("print('any other cell')")
        said = errors_and_ends(client, ANSWER_LIMIT, until_the_end=True)
        assert said == ["CancelledError", "idle"]
    finally:
        manager.shutdown_kernel(now=True)
