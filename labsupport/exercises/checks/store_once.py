"""Exercise 07.a: a row that is stored once, although its reply was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from labsupport.exercises.bench import Bench
from labsupport.exercises.checks._locks import waiting_at_once
from labsupport.postgres import Distant, Server, distant

__all__ = ["check"]

TABLES = """
    CREATE SEQUENCE tries;
    CREATE TABLE bookings (
        key text PRIMARY KEY,
        item text NOT NULL,
        try bigint DEFAULT nextval('tries')
    );
"""
ROWS = "SELECT key, item FROM bookings ORDER BY key"
TRIES = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM tries"
LOOK = "round 4: what a lost reply leaves open, and what makes a second INSERT harmless"


async def check(answer: Any, bench: Bench) -> dict[str, Any]:
    """Store something, twice, at once, with a lost reply, a wrong value, and no server."""
    onlooker = await asyncpg.connect(**bench.where)
    await onlooker.execute(TABLES)
    async with _far_pool(bench) as (far, pool):
        await _store(answer, pool, bench, "a new booking", "one", "coffee")
        await _is_stored(bench, onlooker, "one", "coffee", "a new booking")
        await far.swallow_next("INSERT 0 1")
        await _store(answer, pool, bench, "a booking whose reply is lost", "two", "tea")
        await _is_stored(bench, onlooker, "two", "tea", "a booking whose reply was lost")
        await _store(answer, pool, bench, "a key that is stored already", "one", "water")
        await _is_stored(bench, onlooker, "one", "coffee", "the same key with another item")
        await _two_at_once(answer, pool, bench, onlooker)
        await _wrong_value(answer, pool, bench, onlooker)
        await bench.all_returned(pool, "all calls", "how a connection is borrowed")
    await _closed_at_once(answer, bench)
    await _refused(answer, bench)
    onlooker.terminate()
    return {"replies that were lost on the way": 1, "bookings that are stored": 3}


@asynccontextmanager
async def _far_pool(bench: Bench) -> AsyncIterator[tuple[Distant, Any]]:
    """A pool behind a proxy that can lose replies."""
    server = Server(**bench.where, where="own")
    async with distant(server, round_trip=0) as far:
        place = {"host": far.server.host, "port": far.server.port}
        async with bench.pool(2, **place) as pool:
            yield far, pool


async def _store(answer: Any, pool: Any, bench: Bench, what: str, key: str, item: str) -> None:
    await bench.run(f"store with {what}", lambda: answer(pool, key, item), look=LOOK)


async def _is_stored(bench: Bench, onlooker: Any, key: str, item: str, what: str) -> None:
    found = [row["item"] for row in await onlooker.fetch(ROWS) if row["key"] == key]
    bench.expect(
        found == [item],
        f"after {what}, the items under the key {key!r} were {found}.",
        f"{[item]}.",
        LOOK,
    )
    count = len(await onlooker.fetch(ROWS))
    right = 1 if what == "a new booking" else 2
    bench.expect(
        count == right,
        f"after {what}, {count} bookings were stored.",
        f"{right}: each order once, however often it was sent.",
        LOOK,
    )


async def _two_at_once(answer: Any, pool: Any, bench: Bench, onlooker: Any) -> None:
    """Two calls with one key that both look, if they do, before either of them can insert."""
    call = "two calls of store with the same key at the same time"
    async with onlooker.transaction():
        await onlooker.execute("LOCK TABLE bookings IN SHARE MODE")  # Reading goes on.
        calls = [asyncio.ensure_future(answer(pool, "three", item)) for item in ("rye", "oat")]
        # Whoever keeps one of them back may do so.
        await waiting_at_once(bench, len(calls), lambda: all(call.done() for call in calls), 2.5)
    await bench.run(call, lambda: asyncio.gather(*calls), look=LOOK)
    count = await onlooker.fetchval("SELECT count(*) FROM bookings WHERE key = 'three'")
    bench.expect(count == 1, f"after {call}, {count} bookings had it.", "one.", LOOK)


async def _wrong_value(answer: Any, pool: Any, bench: Bench, onlooker: Any) -> None:
    before = await onlooker.fetchval(TRIES)
    look = "round 3: which errors are worth another try"
    await bench.must_raise(
        "store with the item None",
        lambda: answer(pool, "four", None),
        asyncpg.NotNullViolationError,
        expected="asyncpg.NotNullViolationError, at once.",
        look=look,
    )
    tries = await onlooker.fetchval(TRIES) - before
    bench.expect(
        tries <= 1,
        f"with the item None, the number of tries was {tries}.",
        "one try, because a wrong value does not get better.",
        look,
    )


async def _closed_at_once(answer: Any, bench: Bench) -> None:
    """A port at which every connection is closed at once, as by a proxy without a server."""
    tries: list[Any] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.append(writer)
        await reader.read(4096)  # What is closed unread is reset, which is another error.
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as nobody:
        place = {"host": "127.0.0.1", "port": nobody.sockets[0].getsockname()[1]}
        async with bench.pool(1, min_size=0, **place) as pool:
            await _tries_three_times(answer, pool, bench, "while every connection breaks", tries)


async def _refused(answer: Any, bench: Bench) -> None:
    """A server that is down; the error comes at once, which on Windows would take 2 s a try."""
    tries: list[Any] = []

    async def refuse(*_: Any, **__: Any) -> Any:
        tries.append("refused")
        raise ConnectionRefusedError("nobody listens there")

    async with bench.pool(1, min_size=0, connect=refuse) as pool:
        await _tries_three_times(answer, pool, bench, "while the server is down", tries)


async def _tries_three_times(
    answer: Any, pool: Any, bench: Bench, when: str, tries: list[Any]
) -> None:
    look = "how often it tries again, after which errors, and what it does after the last try"
    await bench.must_raise(
        f"store {when}",
        lambda: answer(pool, "five", "milk"),
        (OSError, asyncpg.PostgresConnectionError),
        expected="the error of the last of three tries.",
        look=look,
    )
    bench.expect(
        len(tries) == 3, f"{when}, the number of tries was {len(tries)}.", "three tries.", look
    )
