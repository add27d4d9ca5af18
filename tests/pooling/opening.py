"""Help for the tests of pools: open one, wait for a state, look at the server's sessions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from labsupport.pooling import DatabasePool, PoolObserver

__all__ = ["open_pool", "sessions", "until"]


@asynccontextmanager
async def open_pool(
    where: dict[str, Any], *observers: PoolObserver, **options: Any
) -> AsyncIterator[DatabasePool]:
    """A pool of at most 2 connections, unless `options` say otherwise."""
    async with DatabasePool(*observers) as pool:
        await pool.initialize(**{**where, "min_size": 1, "max_size": 2, **options})
        yield pool


async def sessions(onlooker: Any, name: str = "my_app_pool") -> int:
    """How many sessions of that application the server has."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"
    return int(await onlooker.fetchval(query, name))


async def until(holds: Callable[[], Any], what: str, limit: float = 10) -> None:
    """Let the event loop run until `holds()`; fail with `what` after `limit` seconds."""
    try:
        async with asyncio.timeout(limit):
            while not holds():
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError(f"not within {limit} s: {what}") from None
