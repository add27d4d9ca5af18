"""Exercise 1.1: opens and closes when told, keeps to its sizes, reuses its connections."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

UNUSABLE = "RuntimeError, so that a caller knows that the pool is not open."


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Watch a DatabasePool from its making to its end."""
    pool = await bench.run("DatabasePool()", answer)
    bench.needs(pool, ("initialize", "fetchval", "close"), "DatabasePool()")
    await _before(pool, bench)
    opened = await _opening(pool, bench)
    await _values(pool, bench)
    most = await _at_once(pool, bench)
    await _failing(pool, bench)
    await _two_are_apart(answer, pool, bench)
    look = "what close does with the pool"
    await bench.run("close()", pool.close, look=look)
    await bench.no_sessions("close()", look)
    await bench.run("a second close()", pool.close, look=look)
    await _refuses(pool, bench, "after close()")
    return {
        "sessions after initialize(min_size=2, max_size=4)": opened,
        "most sessions with 8 queries at once": most,
        "sessions after close()": 0,
    }


async def _before(pool: Any, bench: Bench) -> None:
    early = len(await bench.sessions())
    bench.expect(
        early == 0,
        f"DatabasePool() alone opened {early} sessions.",
        "that only initialize opens any.",
        "what happens before initialize is called",
    )
    await _refuses(pool, bench, "before initialize")
    await bench.run("close() before initialize", pool.close, look="what close does without a pool")


async def _refuses(pool: Any, bench: Bench, when: str) -> None:
    await bench.must_raise(
        f"fetchval('SELECT 1') {when}",
        lambda: pool.fetchval("SELECT 1"),
        RuntimeError,
        expected=UNUSABLE,
        look="how fetchval learns whether there is an open pool",
    )


async def _opening(pool: Any, bench: Bench) -> int:
    await bench.run(
        "initialize(min_size=2, max_size=4, **where)",
        lambda: pool.initialize(min_size=2, max_size=4, **bench.where),
        look="how initialize makes the pool, and which arguments it takes",
    )
    opened = await bench.session_count(2, 4)
    bench.expect(
        2 <= opened <= 4,
        f"{opened} sessions were open after initialize(min_size=2, max_size=4).",
        "at least 2 and at most 4.",
        "whether the sizes reach the pool, and whether making it is awaited",
    )
    return opened


async def _values(pool: Any, bench: Bench) -> None:
    value = await bench.run(
        "fetchval('SELECT $1::int + 1', 41)",
        lambda: pool.fetchval("SELECT $1::int + 1", 41),
        look="how fetchval passes its arguments on; and a close() before initialize does nothing",
    )
    bench.expect(
        value == 42,
        f"fetchval('SELECT $1::int + 1', 41) returned {value!r}.",
        "the value of the first column of the first row.",
        "what fetchval returns, and whether it passes its arguments on",
    )
    pids = [
        await bench.run(
            "fetchval, one call after the other,",
            lambda: pool.fetchval("SELECT pg_backend_pid()"),
            look="whether fetchval gives its connection back",
        )
        for _ in range(8)
    ]
    bench.expect(
        len(set(pids)) <= 4,
        f"8 queries one after the other used {len(set(pids))} different connections.",
        "that the same few are used again and again.",
        "where fetchval takes its connection from, and whether it gives it back or closes it",
    )


async def _at_once(pool: Any, bench: Bench) -> int:
    query = "SELECT pg_backend_pid() FROM pg_sleep(0.15)"
    async with bench.watching() as peak:
        pids = await bench.run(
            "8 times fetchval('SELECT ... pg_sleep(0.15)') at once",
            lambda: asyncio.gather(*(pool.fetchval(query) for _ in range(8))),
            look="whether each call has a connection of its own, up to max_size, or a lock lets "
            "only one work at a time",
        )
    bench.expect(
        peak["sessions"] <= 4,
        f"8 queries at once opened {peak['sessions']} sessions with max_size=4.",
        "never more than max_size.",
        "whether max_size reaches the pool, and whether connections are made elsewhere too",
    )
    bench.expect(
        len(set(pids)) == 4,
        f"8 queries at once ran on {len(set(pids))} of at most 4 connections, with min_size=2 "
        "and max_size=4.",
        "4, because queries at the same time use different connections, up to max_size.",
        "which sizes reach the pool, and whether one connection, or a lock, is shared by all calls",
    )
    return max(peak["sessions"], len(set(pids)))


async def _failing(pool: Any, bench: Bench) -> None:
    look = "what fetchval does with its connection, and with the exception, when the query fails"
    for _ in range(4):
        await bench.must_raise(
            "fetchval('SELECT 1 / 0')",
            lambda: pool.fetchval("SELECT 1 / 0"),
            asyncpg.PostgresError,
            expected="that the caller sees the exception of a query that fails.",
            look=look,
        )
    await bench.run(
        "fetchval, after as many failed queries as there are connections,",
        lambda: pool.fetchval("SELECT 1"),
        look=look,
    )


async def _two_are_apart(answer: Any, first: Any, bench: Bench) -> None:
    look = "whether the pool belongs to the object or is shared by the whole class"
    second = await bench.run("a second DatabasePool()", answer)
    await bench.run(
        "initialize of a second DatabasePool",
        lambda: second.initialize(min_size=1, max_size=1, **bench.where),
        look=look,
    )
    await bench.run("fetchval of the second", lambda: second.fetchval("SELECT 1"), look=look)
    await bench.run("close() of the second", second.close, look=look)
    await bench.run(
        "fetchval of the first DatabasePool after the second was closed",
        lambda: first.fetchval("SELECT 1"),
        look=look,
    )
