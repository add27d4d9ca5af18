"""JupyterLab inside this process, set up for the lab: loopback, a token, no questions."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labsupport.commands.ports import USUAL_PORT, check_port
from labsupport.errors import LabError
from labsupport.places import project_root, runs_as_root, state_folder

__all__ = ["FIRST_NOTEBOOK", "JupyterLab"]

FIRST_NOTEBOOK = "notebooks/00_start_here.ipynb"
SETTINGS = Path(__file__).parent / "jupyter_settings"


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
        """Call `first` and end; this may be called from a signal handler."""
        self._app.io_loop.add_callback_from_signal(first)
        self._app.stop(from_signal=True)


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
