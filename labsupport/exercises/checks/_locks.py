"""Wait until an answer's sessions stand before a lock that the check itself holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from labsupport.exercises.bench import LOOK_EVERY, Bench

__all__ = ["waiting_at_once"]

LOCKS = ("advisory", "relation", "transactionid", "tuple")


async def waiting_at_once(
    bench: Bench, wanted: int, is_over: Callable[[], bool], limit: float = 2.0
) -> int:
    """Return how many sessions were seen to wait for a lock at the same time.

    It looks until there are `wanted` of them, until `is_over()`, and for `limit` seconds at most
    (more on a slow machine). So no wait depends on how fast a session gets as far as the lock.
    """
    most = 0
    stopping = asyncio.create_task(bench.until(is_over, limit))
    while most < wanted and not stopping.done():
        sessions = await bench.sessions()
        most = max(most, sum(session.wait_event in LOCKS for session in sessions))
        await asyncio.sleep(LOOK_EVERY)
    stopping.cancel()
    return most
