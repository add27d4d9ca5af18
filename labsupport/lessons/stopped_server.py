"""What a cell says when the lab's server has stopped by itself in the meantime."""

from __future__ import annotations

import socket
import sys
from types import TracebackType
from typing import Any

import asyncpg

from labsupport.errors import LabError
from labsupport.postgres import Server

__all__ = ["explain_a_stopped_server"]

LOOK_LIMIT = 2.0
# A new connection is refused; one that was open is found to be closed.
SIGNS = (ConnectionRefusedError, asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError)
WHAT_TO_DO = (
    "PostgreSQL at {address} is not running any more: the lab's own server stops after an hour in "
    "which nobody was connected. Run the first cell of this notebook again, which starts it, and "
    "then this one."
)


def explain_a_stopped_server(server: Server) -> None:
    """From now on a refused or lost connection says which cell to run again, if that is why.

    Nothing changes outside a notebook, and nothing for a server that the lab did not start.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or server.where != "embedded":
        return

    def show_refusal(
        shell: Any,
        kind: type[BaseException],
        error: BaseException,
        traceback: TracebackType | None,
        tb_offset: int | None = None,
    ) -> None:
        if not _answers(server):
            kind, error = LabError, LabError(WHAT_TO_DO.format(address=server.address))
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)

    shell.set_custom_exc(SIGNS, show_refusal)


def _answers(server: Server) -> bool:
    try:
        with socket.create_connection((server.host, server.port), timeout=LOOK_LIMIT):
            return True
    except OSError:
        return False
