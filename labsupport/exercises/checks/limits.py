"""Exercise 2.3: each wait has a limit, at the client and at the server."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench, NotYet

__all__ = ["check"]

TRIES = 3


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """A server that says nothing, failing queries, a full pool, a query that takes too long."""
    await _silent_server(answer, bench)
    pool = await _repeated(lambda: _initialized(answer, bench))
    await _repeated(lambda: _server_side(pool, bench))
    await _repeated(lambda: _failing(pool, bench))
    waited = await _repeated(lambda: _full(pool, bench))
    await _slow_query(pool, bench)
    await bench.run("close()", pool.close)
    await bench.no_sessions("close()", "what close does")
    return {"seconds that a fourth query waited for one of 3 connections": round(waited, 2)}


async def _repeated(step: Callable[[], Awaitable[Any]]) -> Any:
    """Return what the step returns; it may fail twice.

    The task's limits are so short that a machine which stands still for half a second breaks
    them, without a fault of the answer. A fault of the answer is there each time.
    """
    first: NotYet | None = None
    for _ in range(TRIES):
        try:
            return await step()
        except NotYet as error:
            first = first or error
    assert first is not None
    raise first


async def _initialized(answer: Any, bench: Bench) -> Any:
    pool = await bench.run("LimitedPool()", answer)
    bench.needs(pool, ("initialize", "fetch", "close"), "LimitedPool()")
    try:
        await bench.run("initialize(**where)", lambda: pool.initialize(**bench.where))
    except NotYet:
        await bench.kill()  # What it has opened would be counted later.
        raise
    return pool


async def _silent_server(answer: Any, bench: Bench) -> None:
    pool = await bench.run("LimitedPool()", answer)
    bench.needs(pool, ("initialize",), "LimitedPool()")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        nowhere = {**bench.where, "host": "127.0.0.1", "port": silent.getsockname()[1]}
        await bench.must_raise(
            "initialize at a server that never answers",
            lambda: pool.initialize(**nowhere),
            TimeoutError,
            expected="TimeoutError after 1 s.",
            look="which limit there is for making a connection; command_timeout is another one",
            limit=2.5,
        )


async def _server_side(pool: Any, bench: Bench) -> None:
    for use in range(1, 7):
        rows = await bench.run(
            "fetch('SHOW statement_timeout')",
            lambda: pool.fetch("SHOW statement_timeout"),
            look="the limits that a query meets, and in which unit each is given",
        )
        bench.expect(
            isinstance(rows, list) and len(rows) == 1,
            f"fetch('SHOW statement_timeout') returned {rows!r}.",
            "a list of rows.",
            "what fetch returns",
        )
        said = str(rows[0][0])
        bench.expect(
            said == "1s",
            f"at use number {use}, SHOW statement_timeout said {said!r}.",
            "'1s', each time.",
            "how the server is told; what a SET does is undone when a connection is released",
        )


async def _failing(pool: Any, bench: Bench) -> None:
    look = "whether a connection is released when its query fails, and what fetch raises then"
    for _ in range(3):
        await bench.must_raise(
            "fetch('SELECT 1 / 0')",
            lambda: pool.fetch("SELECT 1 / 0"),
            asyncpg.DivisionByZeroError,
            expected="asyncpg.DivisionByZeroError.",
            look=look,
        )
    await bench.run("fetch after 3 queries that failed", lambda: pool.fetch("SELECT 1"), look=look)


async def _full(pool: Any, bench: Bench) -> float:
    look = (
        "what limits the wait for a connection, apart from the time that a query may take, and how "
        "many connections the pool may have"
    )
    async with bench.watching() as peak:
        long = [asyncio.ensure_future(pool.fetch("SELECT pg_sleep(0.8)")) for _ in range(3)]
        await asyncio.sleep(0.1)
        asked = time.monotonic()
        try:
            await bench.must_raise(
                "a fourth fetch while 3 others take 0.8 s",
                lambda: pool.fetch("SELECT 1"),
                TimeoutError,
                expected="TimeoutError after 0.5 s of waiting for one of the 3 connections.",
                look=look,
            )
            waited = time.monotonic() - asked
            bench.expect(
                waited > 0.3,
                f"a fourth fetch gave up after {waited:.2f} s.",
                "that it waits 0.5 s for one of the 3 connections.",
                look,
            )
            await bench.run(
                "three queries of 0.8 s",
                lambda: asyncio.gather(*long),
                look="which limits a query meets that has its connection, and how long each is",
            )
        finally:
            await asyncio.wait(long, timeout=2)
    # The sessions are looked at now and then, and those that worked are still there.
    most = max(peak["sessions"], len(await bench.sessions()))
    bench.expect(
        most == 3,
        f"{most} sessions were open at most.",
        "3.",
        "the size of the pool",
    )
    return waited


async def _slow_query(pool: Any, bench: Bench) -> None:
    look = "what limits the time of a query"
    await bench.must_raise(
        "fetch('SELECT pg_sleep(30)')",
        lambda: pool.fetch("SELECT pg_sleep(30)"),
        (TimeoutError, asyncpg.QueryCanceledError),
        expected="TimeoutError or asyncpg.QueryCanceledError after about 1 s.",
        look=look,
        limit=2.5,
    )
    for _ in range(20):
        at_work = [session for session in await bench.sessions() if session.state == "active"]
        if not at_work:
            break
        await asyncio.sleep(0.05)
    bench.expect(
        not at_work,
        "the server was still at work on a query that had been given up.",
        "that it stops too.",
        look,
    )
    await _repeated(
        lambda: bench.run("fetch after that", lambda: pool.fetch("SELECT 1"), look=look)
    )
