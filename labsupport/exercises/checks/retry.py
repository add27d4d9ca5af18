"""Exercise 3.2: trying again what may succeed, and only that, with patience and a limit."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

STARTING = "the database system is starting up"
LOOK = "which exceptions tell of a lost connection or a server that is not there"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Queries that fail for good, sessions that are ended, a server that is stopped."""
    attempts: list[float] = []

    async def connect(*args: Any, **options: Any) -> Any:
        attempts.append(time.monotonic())
        return await asyncpg.connect(*args, **options)

    async with bench.pool(2, min_size=0, init_size=0, connect=connect) as pool:
        await _rows(answer, pool, bench)
        await _for_good(answer, pool, bench)
        await bench.all_returned(pool, "queries that failed", "what an error leaves behind")
        await _starting(answer, bench)
        await _session_ended(answer, pool, bench)
        await bench.stop_server()
        await _stays_away(answer, pool, bench)
        await _called_off(answer, pool, bench)
        attempts.clear()
        seconds = await _restarted(answer, pool, bench)
        bench.expect(
            len(attempts) < 60 * seconds,
            f"{len(attempts)} connections were attempted in {seconds:.1f} s.",
            "a pause before each further attempt.",
            "what happens between two attempts",
        )
        await bench.all_returned(pool, "all calls", "what an error leaves behind")
    bench.no_blocking_sleep("the attempts")
    return {"attempts to connect while the server was away": len(attempts)}


async def _rows(answer: Any, pool: Any, bench: Bench) -> None:
    rows = await bench.run(
        "fetch_with_retry(pool, 'SELECT $1::int AS n', 7)",
        lambda: answer(pool, "SELECT $1::int AS n", 7),
    )
    bench.expect(
        isinstance(rows, list) and len(rows) == 1 and rows[0]["n"] == 7,
        f"fetch_with_retry(pool, 'SELECT $1::int AS n', 7) returned {rows!r}.",
        "the list of rows that asyncpg's fetch gives.",
        "what is returned, and whether arguments are passed on",
    )


async def _for_good(answer: Any, pool: Any, bench: Bench) -> None:
    await pool.execute("CREATE SEQUENCE tries")
    look = "which errors another attempt can mend"
    await bench.must_raise(
        "a query that divides by zero",
        lambda: answer(pool, "SELECT 1 / (nextval('tries') * 0)"),
        asyncpg.DivisionByZeroError,
        expected="DivisionByZeroError, at once.",
        look=look,
    )
    tries = await pool.fetchval("SELECT last_value FROM tries")
    bench.expect(
        tries == 1,
        f"a query that divides by zero was run {tries} times.",
        "once: it would fail each time.",
        look,
    )
    await bench.must_raise(
        "a query with one argument too many",
        lambda: answer(pool, "SELECT $1::int", 1, 2, patience=4),
        asyncpg.InterfaceError,
        expected="asyncpg.InterfaceError, at once: no attempt mends it.",
        look=look,
        limit=2.5,
    )


async def _starting(answer: Any, bench: Bench) -> None:
    """A server that is starting refuses a connection with SQLSTATE 57P03."""
    attempts: list[float] = []

    async def connect(*args: Any, **options: Any) -> Any:
        attempts.append(time.monotonic())
        if len(attempts) == 1:
            raise asyncpg.CannotConnectNowError(STARTING)
        return await asyncpg.connect(*args, **options)

    async with bench.pool(1, min_size=0, init_size=0, connect=connect) as pool:
        rows = await bench.run(
            "a query while the server is starting", lambda: answer(pool, "SELECT 1"), look=LOOK
        )
    bench.expect(
        isinstance(rows, list) and len(rows) == 1,
        f"a query while the server is starting gave {rows!r}.",
        "its rows, as soon as the server has started.",
        LOOK,
    )
    pause = attempts[1] - attempts[0]
    bench.expect(
        0.04 < pause < 0.9,
        f"the first pause took {pause:.2f} s.",
        "a pause of 0.05 to 0.5 s after the first attempt.",
        "what happens between two attempts",
    )


async def _session_ended(answer: Any, pool: Any, bench: Bench) -> None:
    for turn in (1, 2):
        task = asyncio.ensure_future(answer(pool, "SELECT pg_sleep(0.4), 5 AS n"))
        await bench.kill(*await _at_work(bench))
        rows = await bench.run(
            f"a query whose session was ended (number {turn})",
            functools.partial(_itself, task),
            look=LOOK,
        )
        bench.expect(
            isinstance(rows, list) and rows[0]["n"] == 5,
            f"a query whose session was ended gave {rows!r}.",
            "its rows, from another connection.",
            LOOK,
        )


async def _at_work(bench: Bench) -> list[int]:
    """Wait for a session that runs a query; return its process id, or nothing after 2 s."""
    for _ in range(100):
        active = [session.pid for session in await bench.sessions() if session.state == "active"]
        if active:
            return active
        await asyncio.sleep(0.02)
    return []


async def _stays_away(answer: Any, pool: Any, bench: Bench) -> None:
    asked = time.monotonic()
    error = await bench.must_raise(
        "a query with patience=0.8 while the server is away",
        lambda: answer(pool, "SELECT 1", patience=0.8),
        (OSError, asyncpg.PostgresError, asyncpg.InterfaceError),
        expected="the last error, after 0.8 s.",
        look="how it ends when every attempt fails",
    )
    waited = time.monotonic() - asked
    bench.expect(
        not isinstance(error, TimeoutError),
        "while the server was away, it ended with TimeoutError.",
        "the last error itself, which says what was wrong, such as ConnectionRefusedError.",
        "how it ends when every attempt fails",
    )
    bench.expect(
        waited > 0.4,
        f"while the server was away, it gave up after {waited:.2f} s with patience=0.8.",
        "that it goes on trying for 0.8 s.",
        f"when it gives up, and {LOOK}",
    )


async def _called_off(answer: Any, pool: Any, bench: Bench) -> None:
    task = asyncio.ensure_future(answer(pool, "SELECT 1", patience=5))
    await asyncio.sleep(0.3)
    await bench.must_be_cancelled("fetch_with_retry", task, "which exceptions are tried again")


async def _restarted(answer: Any, pool: Any, bench: Bench) -> float:
    asked = time.monotonic()
    task = asyncio.ensure_future(answer(pool, "SELECT 6 AS n", patience=6))
    await asyncio.sleep(0.3)
    await bench.start_server()
    away = time.monotonic() - asked
    rows = await bench.run("a query while the server restarts", lambda: task, look=LOOK)
    bench.expect(
        isinstance(rows, list) and rows[0]["n"] == 6,
        f"a query while the server restarts gave {rows!r}.",
        "its rows, as soon as the server is back.",
        LOOK,
    )
    return away


def _itself(task: asyncio.Task[Any]) -> asyncio.Task[Any]:
    return task
