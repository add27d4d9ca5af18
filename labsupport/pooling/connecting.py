"""Opening one connection for a pool: how long it took, and a sentence when it took too long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import asyncpg

from .durations import Durations
from .waiting import TookTooLong

__all__ = ["timed_connect"]

Init = Callable[[Any], Awaitable[None]]


def timed_connect(
    took: Durations, opened: Callable[[Any], None], init: Init | None, limit: float
) -> Callable[..., Awaitable[asyncpg.Connection]]:
    """Return an `asyncpg.connect` that records its duration and shows each new connection.

    `limit`: seconds to connect, and as many again for `init` of the connection. It raises what
    `asyncpg.connect` and `init` raise; TookTooLong, a TimeoutError, when a limit is reached.
    """

    async def connect(*args: Any, **options: Any) -> asyncpg.Connection:
        started = monotonic()
        try:
            conn = await asyncpg.connect(*args, **{**options, "timeout": limit})
        except TimeoutError as error:
            if error.errno is not None:  # The network has given up, which is not our limit.
                raise
            raise TookTooLong(f"No server answered within {limit:g} s") from None
        took.record(monotonic() - started)
        opened(conn)
        if init is not None:
            await _prepare(conn, init, limit)
        return conn

    return connect


async def _prepare(conn: asyncpg.Connection, init: Init, timeout: float) -> None:
    """Await `init` of a new connection; if that fails, end the connection without a goodbye.

    asyncpg has no limit for its own `init`, nor for the goodbye to a server that went silent.
    """
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            await init(conn)
    except BaseException as error:
        conn.terminate()
        if isinstance(error, TimeoutError) and limit.expired():
            raise TookTooLong(f"init did not end within {timeout:g} s") from None
        raise
