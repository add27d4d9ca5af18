"""Exercise 3.1: connections that are prepared once and clean for each borrower."""

from __future__ import annotations

import contextlib
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

CLEAN = "that a borrower sees nothing of what the one before left behind."
WANTED = {"timezone": "UTC", "work_mem": "8MB"}


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Borrow both connections, leave a mess, fail, and lose one."""
    events: list[str] = []
    pool = await bench.run(
        "open_pool(events, **where)",
        lambda: answer(events, **bench.where),
        look="how the pool is made; an argument that asyncpg does not know is passed on to connect",
    )
    bench.needs(pool, ("acquire", "close", "get_max_size"), "what open_pool returned")
    opened = len(await bench.sessions())
    bench.expect(
        opened >= 1 and events.count("connect") == opened,
        f"{opened} sessions were open, and events was {events}.",
        "at least one session, and 'connect' once for each.",
        "which hook is called once for each new connection",
    )
    for turn in ("at first use", "at second use", "at third use"):
        await _borrow_two(pool, bench, leave_mess=True, when=turn)
        if turn == "at first use":
            await _at_most_two(pool, bench, events)
    await _counts(events, bench)
    await _failed_block(pool, bench, events)
    await _killed(pool, bench, events)
    await bench.run("close()", pool.close)
    await bench.no_sessions("close()", "what close does")
    return {name: events.count(name) for name in ("connect", "release")}


async def _borrow_two(pool: Any, bench: Bench, *, leave_mess: bool, when: str) -> None:
    async def work() -> None:
        async with contextlib.AsyncExitStack() as stack:
            for number in range(2):
                conn = await stack.enter_async_context(pool.acquire())
                await _is_clean(conn, bench, when)
                if leave_mess:
                    await _leave_mess(conn, number)

    await bench.run(
        f"borrowing two connections {when}",
        work,
        look="what the hook at a release does to the connection, what asyncpg keeps of it, and how "
        "many connections the pool may have",
    )


async def _at_most_two(pool: Any, bench: Bench, events: list[str]) -> None:
    """Two lent out: no third one, and no release before one comes back."""
    async with contextlib.AsyncExitStack() as stack:
        before = events.count("release")
        for _ in range(2):
            await bench.run("acquire", lambda: stack.enter_async_context(pool.acquire()))
        await bench.must_raise(
            "acquire(timeout=0.2) with two connections lent out",
            lambda: pool.acquire(timeout=0.2),
            TimeoutError,
            expected="TimeoutError, because the pool has at most two connections.",
            look="max_size",
        )
        # A third one may also be late because the machine is busy.
        most = pool.get_max_size()
        bench.expect(
            most == 2, f"the pool may have {most} connections.", "at most two.", "max_size"
        )
        early = events.count("release") - before
        bench.expect(
            early == 0,
            f"while two connections were lent out, 'release' was noted {early} times.",
            "'release' when a connection comes back, and not when it is lent out.",
            "which hook is called when",
        )


async def _is_clean(conn: Any, bench: Bench, when: str) -> None:
    for name, wanted in WANTED.items():
        said = await conn.fetchval(f"SHOW {name}")
        bench.expect(
            said == wanted,
            f"{when}, {name} was {said!r}.",
            f"{wanted!r}, for each borrower.",
            "how settings reach a session; what a SET does is undone when a connection is released",
        )
    table = await conn.fetchval("SELECT to_regclass('pg_temp.scratch')::text")
    bench.expect(
        table is None, f"{when}, a temporary table was there.", CLEAN, "what a release cleans"
    )
    locks = await conn.fetchval(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    )
    bench.expect(locks == 0, f"{when}, an advisory lock was held.", CLEAN, "what a release cleans")
    path = await conn.fetchval("SHOW search_path")
    bench.expect(
        "pg_catalog" not in path,
        f"{when}, search_path was {path!r}, which the borrower before had set.",
        CLEAN,
        "what a release cleans",
    )
    number = await conn.fetchval("SELECT $1::int + 1", 1)
    bench.expect(number == 2, f"{when}, 1 + 1 was {number!r}.", "2.", "the connection")


async def _leave_mess(conn: Any, number: int) -> None:
    await conn.execute("CREATE TEMP TABLE scratch (n int)")
    await conn.execute("SET work_mem = '1MB'")
    await conn.execute("SET timezone = 'Asia/Tokyo'")
    await conn.execute("SET search_path = pg_catalog")
    await conn.execute("SELECT pg_advisory_lock($1)", 4_711 + number)


async def _counts(events: list[str], bench: Bench) -> None:
    sessions = await bench.sessions()
    bench.expect(
        len(sessions) == 2 and events.count("connect") == 2,
        f"{len(sessions)} sessions were open after two were borrowed at once four times, and "
        f"'connect' was there {events.count('connect')} times.",
        "2 and 2: the same two connections are lent again and again, and each is prepared once.",
        "how many connections the pool may have, and which hook is called for each loan",
    )
    bench.expect(
        events.count("release") == 8,
        f"after 8 loans, 'release' was there {events.count('release')} times.",
        "8 times, once for each connection that came back.",
        "which hook is called when a connection comes back",
    )


async def _failed_block(pool: Any, bench: Bench, events: list[str]) -> None:
    async def fails() -> None:
        async with pool.acquire() as conn:
            await _leave_mess(conn, 0)
            raise LookupError("made in the block")

    await bench.must_raise(
        "a block that raises LookupError", fails, LookupError, expected="LookupError.", look="hooks"
    )
    bench.expect(
        events.count("release") == 9,
        "a block that raised was no 'release'.",
        "'release' whenever a connection comes back.",
        "where 'release' is noted",
    )
    await _borrow_two(pool, bench, leave_mess=False, when="after a block that raised")


async def _killed(pool: Any, bench: Bench, events: list[str]) -> None:
    async def loses_it() -> None:
        async with pool.acquire() as conn:
            await bench.kill(conn.get_server_pid())
            await bench.until(lambda: _closed(conn))  # asyncpg has to notice, too.

    before = events.count("connect")
    released = events.count("release")
    await bench.run(
        "leaving a block whose connection the server has ended",
        loses_it,
        look="what a hook does with a connection that is closed",
    )
    bench.expect(
        events.count("release") == released,
        "a connection that the server had ended was noted as 'release'.",
        "'release' only for a connection that is still alive.",
        "where 'release' is noted",
    )
    await _borrow_two(pool, bench, leave_mess=False, when="after a lost connection")
    bench.expect(
        events.count("connect") == before + 1,
        f"after a lost connection, 'connect' was there {events.count('connect') - before} more "
        "times.",
        "once more, for the connection that took its place.",
        "which hook is called once for each new connection",
    )


def _closed(conn: Any) -> bool:
    try:
        return bool(conn.is_closed())
    except asyncpg.InterfaceError:  # The pool has taken the dead connection back already.
        return True
