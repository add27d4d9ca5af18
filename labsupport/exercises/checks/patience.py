"""Exercise 03.b: a wait with a limit, a sentence for the caller, and every other error as it is."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.checks._pools import database_pool
from labsupport.pooling import DatabasePool

__all__ = ["check"]

SIZE = 2
IN_USE = re.compile(rf"(?<![\d.]){SIZE}(?![\d]|\.\d)")
"""The number of connections in use as a number of its own, and not a part of 0.2 or 12."""
NOT_FULL = "which exceptions of an acquire are caught; only one of them means a full pool"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask a free pool and a full one, with queries that are slow, that fail, that time out."""
    async with database_pool(bench, SIZE) as pool:
        await _answered(answer, pool, bench, "SELECT 41 + 1", 2, 42)
        await _answered(answer, pool, bench, "SELECT 7 FROM pg_sleep(0.7)", 0.5, 7)
        await _comes_back(answer, pool, bench)
        said = await _full(answer, pool, bench)
        await bench.all_returned(pool.pool, "some answers", "part 1: who gives it back")
        await _raises(answer, pool, bench, "SELECT 1 / 0", asyncpg.DivisionByZeroError)
        await bench.all_returned(pool.pool, "a query that failed", "part 1: who gives it back")
    async with database_pool(bench, SIZE, command_timeout=0.5) as pool:
        await _raises(answer, pool, bench, "SELECT pg_sleep(2)", TimeoutError)
        await bench.all_returned(pool.pool, "a query that took too long", "part 1: the giving back")
    await _refused(answer, bench)
    await _nobody_there(answer, bench)
    return {"what a caller of the full pool is told": said}


async def _answered(
    answer: Any, pool: DatabasePool, bench: Bench, query: str, patience: float, value: int
) -> None:
    look = "part 2: what the limit limits, the wait for a connection or the work with it"
    what = f"ask(pool, {query!r}, patience={patience})"
    found = await bench.run(what, lambda: answer(pool, query, patience), look=look)
    bench.expect(
        found == value,
        f"{what} returned {found!r}, and connections were free.",
        f"{value}, the first value of the query.",
        look,
    )


@contextlib.asynccontextmanager
async def _lent_out(pool: DatabasePool) -> AsyncIterator[list[Any]]:
    """All connections of the pool; those that are left in the list go back at the end."""
    held = [await pool.acquire(timeout=3) for _ in range(SIZE)]
    try:
        yield held
    finally:
        await asyncio.gather(*(pool.release(conn) for conn in held))


async def _comes_back(answer: Any, pool: DatabasePool, bench: Bench) -> None:
    """Ask the full pool with patience for much longer than it takes until it has one again."""
    what = f"ask(pool, 'SELECT 5', patience=20) with all {SIZE} connections lent out"
    look = "part 2: which limit the wait has, and what ends it before"
    async with _lent_out(pool) as held:
        asked = asyncio.ensure_future(answer(pool, "SELECT 5", 20))
        await asyncio.wait({asked}, timeout=0.1)
        await pool.release(held.pop())
        said = await bench.run(what, lambda: asked, look=look)
    bench.expect(
        said == 5,
        f"{what}, of which one came back soon, returned {said!r}.",
        "5, the first value of the query: that it waits until one comes back.",
        look,
    )


async def _full(answer: Any, pool: DatabasePool, bench: Bench) -> str:
    what = f"ask(pool, 'SELECT 1', patience=0.3) with all {SIZE} connections lent out"
    look = "part 2: which limit the wait has, and which exception tells that it is over"
    async with _lent_out(pool):
        asked = time.monotonic()
        said = await bench.run(what, lambda: answer(pool, "SELECT 1", 0.3), look=look)
        waited = time.monotonic() - asked
    bench.expect(
        isinstance(said, str) and bool(IN_USE.search(said)),
        f"{what} returned {said!r}.",
        f"a sentence that contains how many of the pool's connections are in use: {SIZE}.",
        "part 3: which of the pool's numbers say that",
    )
    bench.expect(
        waited > 0.15,
        f"{what} gave up after {waited:.2f} s.",
        "that it waits 0.3 s for one to come back.",
        look,
    )
    return str(said)


async def _refused(answer: Any, bench: Bench) -> None:
    """Ask a pool that has to open a connection, which the server refuses."""
    nowhere = {"database": "no database of this name", "min_size": 0}
    async with database_pool(bench, SIZE, **nowhere) as pool:
        await bench.must_raise(
            "ask(pool, 'SELECT 1', patience=2), when the server refuses every new connection,",
            lambda: answer(pool, "SELECT 1", 2),
            asyncpg.InvalidCatalogNameError,
            expected="that the caller sees InvalidCatalogNameError: the pool was not busy.",
            look=NOT_FULL,
        )


async def _nobody_there(answer: Any, bench: Bench) -> None:
    """Ask a pool that has to open a connection, and there is no server."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Nobody listens here, and nobody else can begin to.
        nowhere = {"host": "127.0.0.1", "port": taken.getsockname()[1], "min_size": 0}
        async with database_pool(bench, SIZE, **nowhere) as pool:
            await bench.must_raise(
                # Windows may take two seconds to find out.
                "ask(pool, 'SELECT 1', patience=4), when the server is gone,",
                lambda: answer(pool, "SELECT 1", 4),
                ConnectionError,
                expected="that the caller sees ConnectionRefusedError: the pool was not busy.",
                look=f"{NOT_FULL}; in Python, a TimeoutError is an OSError, and not the other way "
                "round",
                limit=6,
            )


async def _raises(
    answer: Any, pool: DatabasePool, bench: Bench, query: str, kind: type[BaseException]
) -> None:
    await bench.must_raise(
        f"ask(pool, {query!r}, patience=2) with connections free",
        lambda: answer(pool, query, 2),
        kind,
        expected=f"that the caller sees {kind.__name__}: the pool was not the trouble.",
        look="which exceptions are caught, and from which line; a query can time out, too",
    )
