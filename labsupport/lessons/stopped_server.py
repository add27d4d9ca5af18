"""What a cell says when the lab's server has stopped by itself in the meantime."""

from __future__ import annotations

import socket

import asyncpg

from labsupport.errors import LabError
from labsupport.postgres import Server

__all__ = ["SIGNS", "explanation"]

LOOK_LIMIT = 2.0
SIGNS = (ConnectionRefusedError, asyncpg.ConnectionDoesNotExistError, asyncpg.InterfaceError)
"""A new connection is refused; one that was open is found to be closed."""
WHAT_TO_DO = (
    "PostgreSQL at {address} is not running any more: the lab's own server stops after an hour in "
    "which nobody was connected. Run the first cell of this notebook again, which starts it, and "
    "then this one."
)


def explanation(server: Server) -> LabError | None:
    """Return which cell to run again when a server that the lab started is gone, else None."""
    return None if _answers(server) else LabError(WHAT_TO_DO.format(address=server.address))


def _answers(server: Server) -> bool:
    try:
        with socket.create_connection((server.host, server.port), timeout=LOOK_LIMIT):
            return True
    except OSError:
        return False
