"""What `acquire` returns: one object that serves both `await` and `async with`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

__all__ = ["Borrowing"]


class Borrowing:
    """One request for a connection; nothing happens before it is awaited or entered.

    `conn = await pool.acquire()` has to be followed by `await pool.release(conn)`;
    `async with pool.acquire() as conn:` gives the connection back by itself.
    """

    __slots__ = ("_conn", "_lend", "_release", "_timeout")

    def __init__(
        self,
        lend: Callable[[float | None], Coroutine[Any, Any, Any]],
        timeout: float | None,
        release: Callable[[Any], Awaitable[None]],
    ) -> None:
        self._lend = lend
        self._timeout = timeout
        self._release = release
        self._conn: Any = None

    def __await__(self) -> Generator[Any, None, Any]:
        return self._lend(self._timeout).__await__()

    async def __aenter__(self) -> Any:
        if self._conn is not None:
            raise RuntimeError("Write `pool.acquire()` anew for each `async with`.")
        self._conn = await self._lend(self._timeout)
        return self._conn

    def __aexit__(self, *exc: object) -> Awaitable[None]:
        conn, self._conn = self._conn, None
        return self._release(conn)
