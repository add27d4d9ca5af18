"""Exercise 03.a: one query with a limit of its own, and a session that keeps nothing of it."""

from __future__ import annotations

from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench

__all__ = ["check"]

SHOW = "SHOW statement_timeout"
LOOK = "the table of part 4: what holds until a transaction ends, and what a session begins with"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Look at the limit during and after a query that is answered, is stopped, fails, stores."""
    options = {"server_settings": {"statement_timeout": "20s"}}
    async with bench.pool(1, **options) as pool, pool.acquire(timeout=3) as conn:
        await conn.execute("CREATE TABLE notes (text text)")
        await conn.execute("SET statement_timeout = '19s'")
        inside = await _answered(answer, conn, bench, 4500, "4500ms")
        await _answered(answer, conn, bench, 25000, "25s")
        await _raises(answer, conn, bench, 500, "SELECT pg_sleep(2)", asyncpg.QueryCanceledError)
        await _raises(answer, conn, bench, 900, "SELECT 1 / 0", asyncpg.DivisionByZeroError)
        await _stores(answer, conn, bench)
    return {"statement_timeout during the query, and after it": f"{inside}, 19s"}


async def _run(answer: Any, conn: Any, bench: Bench, milliseconds: int, query: str) -> Any:
    what = f"fetch_within(conn, {milliseconds}, {query!r})"
    value = await bench.run(what, lambda: answer(conn, milliseconds, query), look=LOOK)
    await _as_before(conn, bench, what)
    return value


async def _as_before(conn: Any, bench: Bench, what: str) -> None:
    bench.expect(
        not conn.is_in_transaction(),
        f"after {what}, a transaction was still open.",
        "that the caller finds its connection as it was.",
        "what ends the transaction, also when the query fails",
    )
    now = await conn.fetchval(SHOW)
    bench.expect(
        now == "19s",
        f"the caller had set statement_timeout to 19s, and after {what} it was {now}.",
        "that the caller finds its connection as it was.",
        LOOK,
    )


async def _answered(answer: Any, conn: Any, bench: Bench, milliseconds: int, wanted: str) -> str:
    inside = await _run(answer, conn, bench, milliseconds, SHOW)
    bench.expect(
        inside == wanted,
        f"fetch_within(conn, {milliseconds}, {SHOW!r}) returned {inside!r}; the caller had set "
        "19s.",
        f"{wanted!r}: the server itself has to know the limit of this query, a shorter or a "
        "longer one.",
        "who stops the query, in which unit it is told, and whether what it is told lasts until "
        "the query comes",
    )
    return str(inside)


async def _raises(
    answer: Any,
    conn: Any,
    bench: Bench,
    milliseconds: int,
    query: str,
    kind: type[BaseException],
) -> None:
    what = f"fetch_within(conn, {milliseconds}, {query!r})"
    await bench.must_raise(
        what,
        lambda: answer(conn, milliseconds, query),
        kind,
        expected=f"that the caller sees asyncpg.{kind.__name__}.",
        look="which limit ends the query, and what becomes of its exception",
    )
    await _as_before(conn, bench, what)


async def _stores(answer: Any, conn: Any, bench: Bench) -> None:
    query = "INSERT INTO notes VALUES ('kept') RETURNING text"
    value = await _run(answer, conn, bench, 1000, query)
    kept = await conn.fetchval("SELECT count(*) FROM notes")
    bench.expect(
        value == "kept" and kept == 1,
        f"an INSERT ... RETURNING returned {value!r}, and {kept} rows are stored.",
        "the value, and one row that stays.",
        "how the transaction ends",
    )
