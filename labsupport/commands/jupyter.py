"""JupyterLab inside this process, set up for the lab: loopback, a token, no questions."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labsupport.commands.ports import USUAL_PORT, check_port
from labsupport.errors import LabError
from labsupport.places import project_root, runs_as_root, state_folder

__all__ = ["FIRST_NOTEBOOK", "JupyterLab"]

FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"
SETTINGS = Path(__file__).parent / "jupyter_settings"
INTERRUPT_LIMIT = 5.0
"""Seconds that running cells get to end after Ctrl-C, before their kernels are killed."""


class JupyterLab:
    """One JupyterLab: made with `JupyterLab(...)`, it listens in `run()` until `end()`."""

    def __init__(self, port: int | None, open_browser: bool) -> None:
        """Prepare the server; `port` None takes 8888 or a free one.

        It replaces the handlers of SIGINT and SIGTERM. Raises `LabError` when the server cannot
        be made, for example because the port that was asked for is taken.
        """
        check_port(port)
        # The kernel `python3` must be that of .venv, not one that the user has elsewhere.
        os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
        token = secrets.token_hex(24)
        # Importing it takes a second, which a wrong --port need not wait for.
        from jupyterlab.labapp import LabApp

        try:
            self._app: Any = LabApp.initialize_server(_arguments(port, open_browser, token))
        except SystemExit as error:
            raise LabError(
                "JupyterLab did not start; what it said is above. If that names a configuration "
                "of your own, start with JUPYTER_CONFIG_DIR set to an empty folder."
            ) from error
        self.url = f"http://127.0.0.1:{self._app.port}/lab/tree/{FIRST_NOTEBOOK}?token={token}"
        """The address of the first notebook, with the token."""

    def run(self, when_it_listens: Callable[[], None]) -> None:
        """Serve until `end()`, then end the kernels."""
        # JupyterLab begins to listen in a callback that was added before this one.
        self._app.io_loop.add_callback(when_it_listens)
        self._app.start()

    def end(self, first: Callable[[], None]) -> None:
        """Call `first`, interrupt running cells and end; a signal handler may call this."""
        self._app.io_loop.add_callback_from_signal(self._end, first)

    async def _end(self, first: Callable[[], None]) -> None:
        first()
        try:
            await self._end_cells()
        finally:
            self._app.stop()

    async def _end_cells(self) -> None:
        """See that no cell runs when kernels end in order: it would complain with a traceback."""
        kernels = self._app.kernel_manager
        for kernel in self._busy_kernels():
            await kernels.interrupt_kernel(kernel)
        deadline = time.monotonic() + INTERRUPT_LIMIT
        while self._busy_kernels() and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        await asyncio.gather(
            *(kernels.shutdown_kernel(kernel, now=True) for kernel in self._busy_kernels())
        )

    def _busy_kernels(self) -> list[str]:
        kernels = self._app.kernel_manager.list_kernels()
        return [kernel["id"] for kernel in kernels if kernel["execution_state"] == "busy"]


def _arguments(port: int | None, open_browser: bool, token: str) -> list[str]:
    settings = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": USUAL_PORT if port is None else port,
        "ServerApp.port_retries": 50 if port is None else 0,
        "ServerApp.root_dir": project_root(),
        "ServerApp.open_browser": open_browser,
        "ServerApp.answer_yes": True,
        "ServerApp.allow_root": runs_as_root(),
        "ServerApp.log_level": "ERROR",
        "LabApp.log_level": "ERROR",
        "IdentityProvider.token": token,
        # Kernels speak over loopback, which the other users of a machine share.
        "MappingKernelManager.transport_encryption": "auto",
        "LabApp.default_url": f"/lab/tree/{FIRST_NOTEBOOK}",
        "LabApp.app_settings_dir": SETTINGS,
        "LabApp.workspaces_dir": state_folder() / "jupyter" / "workspaces",
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    return [f"--{name}={value}" for name, value in settings.items()]
