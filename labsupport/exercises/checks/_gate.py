"""Queries that wait until they are let go: no clock decides how many are at work."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg

from labsupport.exercises.bench import LOOK_EVERY, Bench

__all__ = ["Gate", "closed_gate"]

LOOK_FOR = 2.0
LEAST_LOOKS = 20
"""For so many seconds, and so often at least, something is looked for that has to come."""
QUICK = "SELECT nextval('quick')"


class Gate:
    """A session of the check that keeps `waiting` queries back, and counts the `quick` ones."""

    def __init__(self, bench: Bench, conn: Any) -> None:
        self._bench, self._conn = bench, conn

    def waiting(self, key: int, note: str = "") -> str:
        """Return a query whose value is `key`, and which ends when that key is let go.

        `note` makes its text different from that of others with the same key.
        """
        return f"SELECT {key} FROM pg_advisory_xact_lock_shared({key}) -- {note}"

    def quick(self, number: int) -> list[str]:
        """Return queries that are counted at the server, each with a text of its own."""
        return [f"{QUICK} -- {place}" for place in range(number)]

    async def let_go(self, key: int) -> None:
        """Let the queries end that wait for this key."""
        await self._conn.execute(f"SELECT pg_advisory_unlock({key})")

    async def most_at_work(self, wanted: int) -> int:
        """Look until `wanted` sessions work, and a few times more; return the most seen."""
        own = self._conn.get_server_pid()
        most = looks_more = 0
        for _ in _looks():
            sessions = await self._bench.sessions()
            most = max(most, sum(s.state == "active" and s.pid != own for s in sessions))
            looks_more += most >= wanted
            if looks_more > 3:
                break
            await asyncio.sleep(LOOK_EVERY)
        return most

    async def quick_done(self, wanted: int) -> int:
        """Wait until so many quick queries are done; return how many are."""
        done = 0
        for _ in _looks():
            state = await self._conn.fetchrow("SELECT last_value, is_called FROM quick")
            done = int(state["last_value"]) if state["is_called"] else 0
            if done >= wanted:
                break
            await asyncio.sleep(LOOK_EVERY)
        return done


def _looks() -> Iterator[int]:
    deadline = time.monotonic() + LOOK_FOR
    for number in itertools.count():
        if number >= LEAST_LOOKS and time.monotonic() > deadline:
            return
        yield number


@contextlib.asynccontextmanager
async def closed_gate(bench: Bench) -> AsyncIterator[Gate]:
    """Give a gate that keeps back what waits for the keys 1 and 2. At the end all are let go."""
    conn = await asyncpg.connect(**bench.where)
    try:
        await conn.execute("CREATE SEQUENCE quick")
        await conn.execute("SELECT pg_advisory_lock(1), pg_advisory_lock(2)")
        yield Gate(bench, conn)
        await conn.close()
    finally:
        conn.terminate()
