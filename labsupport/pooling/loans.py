"""What the pool manager sees of its connections while they are lent out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import asyncpg

from .observers import PoolObserver

__all__ = ["Loans"]


class Loans(PoolObserver):
    """Listens to the server's messages while a connection is lent out, and notes since when it is.

    A release removes log listeners and warns about them. So each loan has its own, which is taken
    away just before the connection goes back. `on_lost()` is called for each connection that comes
    back broken.
    """

    def __init__(self, listener: Callable[[Any, Any], None], on_lost: Callable[[], None]) -> None:
        self._listener = listener
        self._on_lost = on_lost
        self._since: dict[Any, float] = {}

    def ages(self) -> list[float]:
        """Seconds that each connection is lent out already, the longest first."""
        now = time.monotonic()
        return sorted((now - since for since in self._since.values()), reverse=True)

    def on_acquire(self, conn: Any) -> None:
        """Begin to listen."""
        self._since[conn] = time.monotonic()
        with contextlib.suppress(asyncpg.InterfaceError):  # It has just broken.
            conn.add_log_listener(self._listener)

    def on_release(self, conn: Any) -> None:
        """End listening; a broken connection says so here."""
        self._since.pop(conn, None)
        try:
            conn.remove_log_listener(self._listener)
        except asyncpg.InterfaceError:
            self._on_lost()

    def on_close(self) -> None:
        """Forget all connections."""
        self._since.clear()
