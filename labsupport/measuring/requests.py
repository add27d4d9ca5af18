"""Ready-made requests, each of which reports its parts: where the time of a request goes.

    async with open_pool(10, **where) as pool:
        requests = {
            "connect each time": connect_each_time("SELECT 1", **where),
            "pool of 10": through_pool(pool, "SELECT 1"),
        }
        comparison = await compare(requests)

`where` are the keyword arguments of `asyncpg.connect`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from time import perf_counter_ns
from typing import Any, Protocol

import asyncpg

from labsupport.measuring.load import Parts, Request

__all__ = [
    "AnyPool",
    "connect_each_time",
    "hold_connections",
    "on_held",
    "open_pool",
    "through_pool",
]

SECONDS = 10.0
"""The limit of each wait: to connect, for a connection of the pool, for the answer."""


class AnyPool(Protocol):
    """A pool that lends connections: asyncpg's own, or one that is used like it."""

    def acquire(self, *, timeout: float) -> AbstractAsyncContextManager[Any]:
        """Lend a connection for a block, or raise an error after `timeout` seconds."""


def connect_each_time(query: str, *, timeout: float = SECONDS, **where: Any) -> Request:
    """A request that opens a connection of its own, asks `query` and closes the connection."""

    async def request() -> Parts:
        start = perf_counter_ns()
        connection = await asyncpg.connect(timeout=timeout, **where)
        opened = perf_counter_ns()
        try:
            await connection.fetch(query, timeout=timeout)
        finally:
            await connection.close(timeout=timeout)
        return Parts(connect=opened - start, use=perf_counter_ns() - opened)

    return request


def through_pool(pool: AnyPool, query: str, *, timeout: float = SECONDS) -> Request:
    """A request that borrows a connection from `pool`, asks `query` and gives it back."""
    if isinstance(pool, asyncpg.Pool):
        return _through_asyncpg(pool, query, timeout)

    async def request() -> Parts:
        start = perf_counter_ns()
        async with pool.acquire(timeout=timeout) as connection:
            got = perf_counter_ns()
            await connection.fetch(query, timeout=timeout)
        return Parts(wait=got - start, use=perf_counter_ns() - got)

    return request


def _through_asyncpg(pool: Any, query: str, timeout: float) -> Request:
    """The same for asyncpg's own pool, in less time: a request on it takes about 100 us.

    Setting a limit takes 8 us of them. It is set for a request that finds all connections taken
    by others of its kind. Whoever else borrows from the pool can make a request wait without it;
    in a measurement the load's patience ends that.
    """
    size = pool.get_max_size()
    under_way = 0

    async def request() -> Parts:
        nonlocal under_way
        under_way += 1
        start = perf_counter_ns()
        try:
            if under_way <= size:
                connection = await pool.acquire()
            else:
                async with asyncio.timeout(timeout):
                    connection = await pool.acquire()
            got = perf_counter_ns()
            try:
                await connection.fetch(query, timeout=timeout)
            finally:
                await pool.release(connection)
        finally:
            under_way -= 1
        return Parts(got - start, perf_counter_ns() - got)  # Named fields would cost 1 %.

    return request


def on_held(connections: Sequence[Any], query: str, *, timeout: float = SECONDS) -> Request:
    """A request that asks `query` on one of some open connections, which nobody ever resets.

    It is the best that a pool could reach: nothing is opened, waited for, or given back. Raises
    RuntimeError when there are more requests at the same time than connections.
    """
    free = list(connections)

    async def request() -> Parts:
        if not free:
            raise RuntimeError(
                f"All {len(connections)} held connections are in use; hold one for every client."
            )
        start = perf_counter_ns()
        connection = free.pop()
        try:
            await connection.fetch(query, timeout=timeout)
        finally:
            free.append(connection)
        return Parts(use=perf_counter_ns() - start)

    return request


@asynccontextmanager
async def hold_connections(
    count: int, *, timeout: float = SECONDS, **where: Any
) -> AsyncIterator[list[Any]]:
    """Keep `count` connections open while the block runs, for `on_held`."""
    connections: list[Any] = []
    try:
        for _ in range(count):
            connections.append(await asyncpg.connect(timeout=timeout, **where))
        yield connections
    finally:
        for connection in connections:
            await connection.close(timeout=timeout)


@asynccontextmanager
async def open_pool(
    size: int, *, reset: bool = True, timeout: float = SECONDS, **where: Any
) -> AsyncIterator[Any]:
    """An asyncpg pool of exactly `size` connections while the block runs.

    Without `reset` a connection is given back as it is, which saves a round trip and leaves
    settings, locks and temporary tables to the next borrower: for measuring what a reset costs.
    """
    more = {} if reset else {"reset": _no_reset}
    pool = await asyncpg.create_pool(min_size=size, max_size=size, timeout=timeout, **where, **more)
    try:
        yield pool
    finally:
        # Whoever still holds a connection is waited for; after that asyncpg breaks it off.
        with suppress(TimeoutError):
            await asyncio.wait_for(pool.close(), timeout)


async def _no_reset(connection: object) -> None:
    """Leave a connection as it is."""
