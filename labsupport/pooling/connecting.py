"""Opening one connection for a pool: how long it took, and a sentence when it took too long."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import asyncpg

from .durations import Durations
from .waiting import TookTooLong

__all__ = ["timed_connect"]


def timed_connect(
    took: Durations, opened: Callable[[Any], None]
) -> Callable[..., Awaitable[asyncpg.Connection]]:
    """Return an `asyncpg.connect` that records its duration and shows each new connection.

    It raises what `asyncpg.connect` raises; TookTooLong, a TimeoutError, when its `timeout` ends.
    """

    async def connect(*args: Any, **options: Any) -> asyncpg.Connection:
        started = monotonic()
        try:
            conn = await asyncpg.connect(*args, **options)
        except TimeoutError as error:
            if error.errno is not None:  # The network has given up, which is not our limit.
                raise
            raise TookTooLong(f"No server answered within {options['timeout']:g} s") from None
        took.record(monotonic() - started)
        opened(conn)
        return conn

    return connect
