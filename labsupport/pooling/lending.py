"""Which connections are lent out, since when, and the observers that see them come and go."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import asyncpg

from .close_report import Unreturned
from .observers import PoolObserver

__all__ = ["Lending", "given_back"]

logger = logging.getLogger(__name__)


def given_back(conn: Any) -> bool:
    """Whether a connection was given back already, also by the closing of its pool."""
    try:
        conn.is_closed()
    except asyncpg.InterfaceError:
        return True
    return False


class Lending:
    """The loans of a pool. `len(lending)` connections are lent out now.

    An observer that raises is logged: it must not cost anybody a connection.
    """

    def __init__(self, observers: Sequence[PoolObserver]) -> None:
        self._observers = observers
        self._since: dict[Any, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    def opened(self, conn: Any) -> None:
        """A connection to the server was opened."""
        self._tell(lambda observer: observer.on_connect(conn))

    def begin(self, conn: Any) -> None:
        """A connection is lent out from now on."""
        self._since[conn] = monotonic()
        if self._observers:
            self._tell(lambda observer: observer.on_acquire(conn))

    def end(self, conn: Any) -> float | None:
        """A connection is back: return for how many seconds it was lent out; None if it was not."""
        since = self._since.pop(conn, None)
        if since is None:
            return None
        if self._observers:
            self._tell(lambda observer: observer.on_release(conn))
        return monotonic() - since

    async def take_from(self, pool: asyncpg.Pool) -> Any:
        """Return a connection of asyncpg's pool that no observer wants replaced."""
        conn = await pool.acquire()
        while self._is_spent(conn):
            conn.terminate()
            conn = await pool.acquire()
        return conn

    async def give_back_to(self, pool: asyncpg.Pool, conn: Any, timeout: float) -> None:
        """Give a connection back to asyncpg's pool, which cleans it, or have it replaced."""
        if self._is_spent(conn):
            with contextlib.suppress(asyncpg.InterfaceError):  # It is broken, and gone already.
                conn.terminate()
            return
        try:
            await pool.release(conn, timeout=timeout)
        except Exception as error:
            # asyncpg has terminated the connection. What the caller did with it before was
            # done: to raise now would make a committed transaction look like a failed one.
            logger.warning("A connection could not be cleaned and was closed: %r", error)

    def _is_spent(self, conn: Any) -> bool:
        said: list[bool] = []
        if self._observers:
            self._tell(lambda observer: said.append(observer.is_spent(conn)))
        return any(said)

    def unreturned(self) -> tuple[Unreturned, ...]:
        """Describe what is lent out now."""
        now = monotonic()
        return tuple(
            Unreturned.of(conn, now - since, [o.where(conn) for o in self._observers])
            for conn, since in self._since.items()
        )

    def forget(self) -> None:
        """The pool is closed: nothing is lent out any more."""
        self._since.clear()
        self._tell(lambda observer: observer.on_close())

    def _tell(self, tell: Callable[[PoolObserver], object]) -> None:
        for observer in self._observers:
            try:
                tell(observer)
            except Exception:
                logger.exception("An observer of the pool failed: %r", observer)
