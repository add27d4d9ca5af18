"""Exercise 05.a: whether a row can be stored now, and if not, which of three troubles it is."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from labsupport.exercises.bench import Bench
from labsupport.exercises.checks._pools import database_pool
from labsupport.pooling import DatabasePool

__all__ = ["check"]

SIZE = 2
PATIENCE = 4.0
"""Seconds that diagnose may take where it need not wait: a slow machine is no fault of it."""
WORDS = ("ok", "exhausted", "unreachable", "read only")
READ_ONLY = {"default_transaction_read_only": "on"}
FIRST = "part 1: what limits the wait, and which exception tells that it is over"
SECOND = "part 2: what a server can answer although it refuses to store a row"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Ask about a pool that is well, one that is full, one that only reads, one without server."""
    async with database_pool(bench, SIZE) as pool:
        before = await _tables(pool)
        await _says(answer, pool, bench, "a pool that is well", "ok", SECOND)
        held = [await pool.acquire(timeout=3) for _ in range(SIZE)]
        try:
            full = f"a pool with all {SIZE} connections lent out"
            await _says(answer, pool, bench, full, "exhausted", FIRST, timeout=0.3)
            soon = asyncio.create_task(_give_back(pool, held.pop(), bench))
            full += ", of which one comes back 0.2 s after somebody waits,"
            await _says(answer, pool, bench, full, "ok", FIRST)
            await soon
        finally:
            for conn in held:
                await pool.release(conn)
        await _says(answer, pool, bench, "the same pool when they are back", "ok", FIRST)
        await _all_returned(pool, bench)
        await _stored_nothing(pool, bench, before)
    async with database_pool(bench, SIZE, server_settings=READ_ONLY) as pool:
        for _ in range(SIZE + 1):
            reads = "a pool whose server answers, and stores nothing"
            await _says(answer, pool, bench, reads, "read only", SECOND)
            await _all_returned(pool, bench)
    await _refused(answer, bench)
    await _nobody_there(answer, bench)
    return {"told apart": ", ".join(WORDS)}


async def _says(
    answer: Any,
    pool: DatabasePool,
    bench: Bench,
    which: str,
    wanted: str,
    look: str,
    timeout: float = PATIENCE,
) -> None:
    what = f"diagnose(pool, timeout={timeout:g}) of {which}"
    said = await bench.run(
        what, lambda: answer(pool, timeout=timeout), limit=timeout + 2, look=look
    )
    bench.expect(
        isinstance(said, str) and said in WORDS,
        f"{what} returned {said!r}.",
        f"one of {', '.join(repr(word) for word in WORDS)}.",
        "what every way through the function returns",
    )
    bench.expect(said == wanted, f"{what} returned {said!r}.", f"{wanted!r}.", look)


async def _give_back(pool: DatabasePool, conn: Any, bench: Bench) -> None:
    """Wait for somebody who waits, but not for ever: there are ways to wait that no pool sees."""
    await bench.until(lambda: pool.get_pool_stats()["queue_size"] > 0, limit=0.5)
    await asyncio.sleep(0.2)
    await pool.release(conn)


async def _all_returned(pool: DatabasePool, bench: Bench) -> None:
    look = "who gives the connection back, whatever the answer is"
    await bench.all_returned(pool.pool, "diagnose", look)


async def _tables(pool: DatabasePool) -> set[str]:
    async with pool.acquire(timeout=3) as conn:
        rows = await conn.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


async def _stored_nothing(pool: DatabasePool, bench: Bench, before: set[str]) -> None:
    new = ", ".join(await _tables(pool) - before)
    bench.expect(
        not new,
        f"after diagnose, there was a new table in the database: {new}.",
        "that it stores nothing, neither a row nor a table.",
        SECOND,
    )


async def _refused(answer: Any, bench: Bench) -> None:
    nowhere = {"database": "no database of this name", "min_size": 0}
    async with database_pool(bench, SIZE, **nowhere) as pool:
        which = "a pool whose server refuses every new connection with an error of asyncpg"
        look = "which exceptions an acquire raises when the server answers, and says no"
        await _says(answer, pool, bench, which, "unreachable", look)


async def _nobody_there(answer: Any, bench: Bench) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Nobody listens here, and nobody else can begin to.
        nowhere = {"host": "127.0.0.1", "port": taken.getsockname()[1], "min_size": 0}
        async with database_pool(bench, SIZE, **nowhere) as pool:
            which = "a pool whose server is gone, so that every connection is refused,"
            look = (
                "which exceptions an acquire raises then; in Python, a TimeoutError is an OSError"
            )
            await _says(answer, pool, bench, which, "unreachable", look)
