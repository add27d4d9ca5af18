"""A notebook as a learner has it: cells, a real kernel, and what stands below each cell."""

from __future__ import annotations

import json
import os
import queue
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

__all__ = ["Notebook", "Shown"]

CELL_LIMIT = 60
BEGIN = "from labsupport.lessons import begin\nlab = await begin('01')"


@dataclass(frozen=True)
class Shown:
    """What a cell showed."""

    printed: str
    error: list[str]
    """The lines that stand below a cell that failed; empty for one that did not."""
    everything: str
    """All messages of the kernel as JSON, for what must stand nowhere."""


class Notebook:
    """Runs cells in a kernel whose labsupport is that of `clone`: `with Notebook(clone) as it`."""

    def __init__(self, clone: Path) -> None:
        """Start the kernel; its environment is that of this process."""
        environment = {**os.environ, "PYTHONPATH": str(clone), "PYTHONDONTWRITEBYTECODE": "1"}
        self._manager, self._client = start_new_kernel(
            kernel_name="python3", env=environment, cwd=str(clone / "notebooks")
        )

    def __enter__(self) -> Notebook:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)

    def begin(self, **environment: str) -> Shown:
        """Run a lesson's first cell with these variables and no other `DB_*` or `LAB_PG_*`."""
        prepare = (
            "import os\n"
            "for name in [n for n in os.environ if n.startswith(('DB_', 'LAB_PG_'))]:\n"
            "    del os.environ[name]\n"
            f"os.environ.update({environment!r})"
        )
        assert self.run(prepare).error == []
        return self.run(BEGIN)

    def run(self, code: str) -> Shown:
        """Run a cell and return what it showed."""
        asked = self._client.execute(code)
        printed, error, messages = "", [], []
        deadline = time.monotonic() + CELL_LIMIT
        while True:
            message = self._next(deadline)
            if message["parent_header"].get("msg_id") != asked:
                continue
            content: dict[str, Any] = message["content"]
            if message["msg_type"] == "stream":
                printed += content["text"]
            elif message["msg_type"] == "error":
                error = "\n".join(content["traceback"]).splitlines()
            elif content.get("execution_state") == "idle":
                return Shown(printed, error, json.dumps(messages))
            if message["msg_type"] != "execute_input":
                messages.append(content)

    def restart(self) -> None:
        """Restart the kernel, as the learner does from the menu."""
        self._manager.restart_kernel(now=True)
        self._client.wait_for_ready(timeout=CELL_LIMIT)

    def _next(self, deadline: float) -> dict[str, Any]:
        try:
            return dict(self._client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic())))
        except queue.Empty:
            raise AssertionError(f"the cell did not end within {CELL_LIMIT} s") from None
