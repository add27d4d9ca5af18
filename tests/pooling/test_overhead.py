"""What a `DatabasePool` adds to each request: nothing for which anybody would have to wait.

How many microseconds it costs is measured by benchmarks/pool_overhead.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from labsupport.pooling import DatabasePool
from labsupport.postgres import Server, distant
from tests.pooling.conftest import address_of

REQUESTS = 20


@asynccontextmanager
async def both(where: dict[str, Any], **options: Any) -> AsyncIterator[tuple[Any, Any]]:
    """A bare pool of one connection and ours, alike but for the class."""
    alike = {**where, "min_size": 1, "max_size": 1, **options}
    async with asyncpg.create_pool(**alike) as bare, DatabasePool() as ours:
        await ours.initialize(**alike)
        yield bare, ours


async def request(pool: Any, query: str) -> None:
    """Borrow a connection with a limit, run the query if there is one, and give it back."""
    async with pool.acquire(timeout=10) as conn:
        if query:
            await conn.fetchval(query)


async def turns_of_the_loop(pool: Any) -> int:
    """How often the event loop goes round while requests without a query are served."""
    loop = asyncio.get_running_loop()
    turns, counting = 0, True

    def count() -> None:
        nonlocal turns
        turns += 1
        if counting:
            loop.call_soon(count)

    await request(pool, "")
    loop.call_soon(count)
    for _ in range(REQUESTS):
        await request(pool, "")
    counting = False
    return turns


async def test_a_request_takes_no_more_round_trips_than_with_the_bare_pool(server: Server) -> None:
    async with distant(server, round_trip=0) as far, both(address_of(far.server)) as pools:
        seen = []
        for pool in pools:
            await request(pool, "SELECT 1")
            async with far.counting() as passed:
                for _ in range(REQUESTS):
                    await request(pool, "SELECT 1")
            seen.append(passed.round_trips)
    bare, ours = seen
    assert ours == bare == REQUESTS * 2  # The query, and the cleaning at the release.


async def test_a_request_suspends_no_more_often_than_with_the_bare_pool(
    where: dict[str, Any],
) -> None:
    async def clean_nothing(conn: Any) -> None:
        """No round trip: what is left is the waiting that the classes do themselves."""

    async with both(where, reset=clean_nothing) as (bare, ours), asyncio.timeout(20):
        assert await turns_of_the_loop(ours) <= await turns_of_the_loop(bare)
