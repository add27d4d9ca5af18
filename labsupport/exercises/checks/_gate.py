"""Queries that wait until they are let go: no clock decides how many are at work."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from labsupport.exercises.bench import LOOK_EVERY, Bench

__all__ = ["Gate", "closed_gate"]

LOOKS = 100
"""How often to look for something that has to come; two seconds and what the looks take."""
QUICK = "SELECT nextval('quick')"


class Gate:
    """A session of the check that keeps `waiting` queries back, and counts the `quick` ones."""

    def __init__(self, bench: Bench, conn: Any) -> None:
        self._bench, self._conn = bench, conn

    def waiting(self, key: int) -> str:
        """Return a query whose value is `key`, and which ends when that key is let go."""
        return f"SELECT {key} FROM pg_advisory_xact_lock_shared({key})"

    def quick(self, number: int) -> list[str]:
        """Return queries that are counted at the server."""
        return [QUICK] * number

    async def let_go(self, key: int) -> None:
        """Let the queries end that wait for this key."""
        await self._conn.execute(f"SELECT pg_advisory_unlock({key})")

    async def most_at_work(self, wanted: int) -> int:
        """Look until `wanted` sessions work, and a few times more; return the most seen."""
        own = self._conn.get_server_pid()
        most, looks_left = 0, LOOKS
        while looks_left:
            sessions = await self._bench.sessions()
            most = max(most, sum(s.state == "active" and s.pid != own for s in sessions))
            looks_left = min(looks_left - 1, 3 if most >= wanted else looks_left)
            await asyncio.sleep(LOOK_EVERY)
        return most

    async def quick_done(self, wanted: int) -> int:
        """Wait until so many quick queries are done; return how many are."""
        done = 0
        for _ in range(LOOKS):
            state = await self._conn.fetchrow("SELECT last_value, is_called FROM quick")
            done = int(state["last_value"]) if state["is_called"] else 0
            if done >= wanted:
                break
            await asyncio.sleep(LOOK_EVERY)
        return done


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
