"""Exercise 10.b: one limit around a whole request."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

PLENTY = 20.0
"""A limit in seconds that no machine reaches with queries that are quick."""
MOST = 3
LOOK = "round 2: what each limit stands around, and what still waits outside of it"
TOO_LATE = "TimeoutError, because all of it together takes longer than the limit."


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Requests that are quick, that fail in two ways, and that are too long in four."""
    async with bench.pool(2) as pool:
        await _quick(answer, pool, bench)
        await _failing(answer, pool, bench)
        await _too_long(answer, pool, bench, 0.3, 1, 3.0, "one query of 3 s")
        await _too_long(answer, pool, bench, 0.9, 14, 0.1, "14 queries of 0.1 s")
        await _full(answer, pool, bench)
        await bench.all_returned(pool, "all requests", "how the connection is borrowed")
    await _late_connection(answer, bench)
    await _cancelled_by_the_server(answer, bench)
    return {"requests that ended at their limit": 4}


async def _quick(answer: Any, pool: Any, bench: Bench) -> None:
    queries = [
        "SELECT set_config('lab.mark', 'here', false)",
        "SELECT current_setting('lab.mark', true)",
    ]
    queries.append("SELECT 3")
    found = await bench.run(
        "report with three quick queries", lambda: answer(pool, queries, PLENTY), look=LOOK
    )
    bench.expect(
        isinstance(found, (list, tuple)) and list(found) == ["here", "here", 3],
        f"report with three quick queries returned {found!r}.",
        "['here', 'here', 3]: the first value of each, all asked on one connection, so that "
        "the second query finds what the first one has set.",
        "for how long the request keeps its connection, and what is returned",
    )
    call, look = "report with 'SELECT 4 WHERE false'", "what is returned when there is no row: None"
    found = await bench.run(call, lambda: answer(pool, ["SELECT 4 WHERE false"], PLENTY), look=look)
    bench.expect(
        isinstance(found, (list, tuple)) and list(found) == [None],
        f"{call} returned {found!r}.",
        "[None].",
        look,
    )


async def _failing(answer: Any, pool: Any, bench: Bench) -> None:
    look = "what becomes of the error of a query"
    await bench.must_raise(
        "report with 'SELECT 1 / 0'",
        lambda: answer(pool, ["SELECT 1", "SELECT 1 / 0"], PLENTY),
        asyncpg.DivisionByZeroError,
        expected="asyncpg.DivisionByZeroError.",
        look=look,
    )
    await bench.all_returned(
        pool, "a query that failed", f"who gives the connection back, and {look}"
    )


async def _too_long(
    answer: Any, pool: Any, bench: Bench, limit: float, count: int, each: float, what: str
) -> None:
    await bench.must_raise(
        f"report with {what} and a limit of {limit:g} s",
        lambda: answer(pool, [f"SELECT 1 FROM pg_sleep({each})"] * count, limit),
        TimeoutError,
        expected=TOO_LATE,
        look=LOOK,
        limit=2.5,
    )
    await bench.all_returned(pool, f"{what} and a limit", LOOK)


async def _full(answer: Any, pool: Any, bench: Bench) -> None:
    async with pool.acquire(timeout=2), pool.acquire(timeout=2):
        await bench.must_raise(
            "report with a limit of 0.4 s while all connections are lent out",
            lambda: answer(pool, ["SELECT 1"], 0.4),
            TimeoutError,
            expected="TimeoutError: waiting for a connection is a part of the request.",
            look=LOOK,
            limit=2,
        )


async def _late_connection(answer: Any, bench: Bench) -> None:
    """A connection is free after 0.6 s, and the query takes 0.6 s: each is within 0.9 s.

    A limit that begins anew with the connection ends after 1.5 s at the soonest, and so does each
    limit on a machine that stands still meanwhile. Therefore there is more than one attempt.
    """
    what = "report with a limit of 0.9 s, a wait of 0.6 s and a query of 0.6 s"
    for _ in range(MOST):
        took = await _attempt(answer, bench, what)
        if took < 0.6 + 0.9:
            return
    bench.expect(
        False,
        f"{what} raised TimeoutError only after {took:.1f} s, at the last of {MOST} attempts.",
        TOO_LATE + " And that after 0.9 s.",
        LOOK + "; or this machine has too much to do now: then check again later",
    )


async def _attempt(answer: Any, bench: Bench, what: str) -> float:
    """Return after how many seconds the TimeoutError came."""
    async with bench.pool(1) as pool:
        conn = await pool.acquire(timeout=5)
        releasing = asyncio.create_task(_release(pool, conn))
        started = time.monotonic()
        query = ["SELECT pg_sleep(0.6)"]
        await bench.must_raise(
            what,
            lambda: answer(pool, query, 0.9),
            TimeoutError,
            expected=TOO_LATE,
            look=LOOK,
        )
        took = time.monotonic() - started
        await releasing
        await bench.all_returned(pool, "a late connection", LOOK)
        return took


async def _release(pool: Any, conn: Any) -> None:
    await asyncio.sleep(0.6)
    await pool.release(conn)


async def _cancelled_by_the_server(answer: Any, bench: Bench) -> None:
    """The server's own limit for a statement is reached long before that of the request."""
    async with bench.pool(1, server_settings={"statement_timeout": "100ms"}) as pool:
        await bench.must_raise(
            "report with a limit of 30 s and a query that the server cancels after 0.1 s",
            lambda: answer(pool, ["SELECT pg_sleep(2)"], 30.0),
            asyncpg.QueryCanceledError,
            expected="asyncpg.QueryCanceledError, as it is: the time of the request is not over.",
            look="what becomes of the error of a query",
        )
