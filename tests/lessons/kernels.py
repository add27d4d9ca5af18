"""A kernel like a notebook's, and what stands below a cell."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

__all__ = ["BEGIN", "Kernel", "a_kernel"]

ANSWER_LIMIT = 90
PRESSED_AFTER = 1.0
BEGIN = "from labsupport.lessons import begin\nlab = await begin('99')\nimport asyncpg"


class Kernel:
    """Runs cells and presses the stop button."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self._manager = manager
        self._client = client

    def said(self, code: str, *, stop_at: str | None = None) -> str:
        """Run a cell and return what stands below it, errors included.

        `stop_at`: press the stop button, once, as soon as the cell has printed this.
        """
        said: list[str] = []

        def listen(message: dict[str, object]) -> None:
            content = message["content"]
            assert isinstance(content, dict)
            said.append(str(content.get("text", "")))
            said.extend(content.get("traceback", []))
            if stop_at is not None and stop_at in str(content.get("text", "")):
                # Not at once: the cell has to reach the line behind the one that prints.
                threading.Timer(PRESSED_AFTER, self._manager.interrupt_kernel).start()

        self._client.execute_interactive(code, timeout=ANSWER_LIMIT, output_hook=listen)
        return "\n".join(said)


@contextmanager
def a_kernel() -> Iterator[Kernel]:
    """Start a kernel; end it after the block."""
    manager, client = start_new_kernel()
    try:
        yield Kernel(manager, client)
    finally:
        manager.shutdown_kernel(now=True)
