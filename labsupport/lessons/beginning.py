"""The first cell of a notebook: find the server and make this kernel's database."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib.metadata
import os
import platform
from dataclasses import dataclass

from labsupport.lessons import claims
from labsupport.lessons.explaining import explain_errors
from labsupport.lessons.quiet_log import leave_out_abandoned_futures
from labsupport.postgres import (
    ConnectionArguments,
    Server,
    ServerFacts,
    connect,
    drop_database,
    ensure_kernel_database,
    find_server,
    inspect_server,
)

__all__ = ["Lab", "begin"]

SESSIONS_OF_A_LESSON = 20
WHERE = {"embedded": "started by the lab", "DB_HOST": "named by DB_HOST", "own": "throwaway"}


@dataclass(frozen=True)
class Lab:
    """What a lesson's cells need: the server, and a database that is this notebook's alone."""

    lesson: str
    server: Server
    facts: ServerFacts
    database: str

    @property
    def arguments(self) -> ConnectionArguments:
        """Keyword arguments for asyncpg: `asyncpg.connect(**lab.arguments)`."""
        return self.server.arguments(self.database, application_name=f"lesson {self.lesson}")

    @property
    def address(self) -> ConnectionArguments:
        """Keyword arguments for `DatabasePool.initialize`, which brings limits of its own."""
        known = self.arguments
        names = ("host", "port", "database", "user", "password", "ssl")
        return ConnectionArguments({name: known[name] for name in names})

    @property
    def conditions(self) -> dict[str, str]:
        """What a measurement on this server should say about it; no secrets."""
        return {
            "server": f"PostgreSQL {self.facts.version}",
            "where": self.server.where,
            "max_connections": str(self.facts.max_connections),
        }


async def begin(lesson: str) -> Lab:
    """Find or start the server, make this kernel's database, and say where both are.

    Running it again in the same kernel goes on with the same database.
    Raises `LabError` with a sentence when the lesson cannot begin.
    """
    server = await find_server(report=print)
    facts = await inspect_server(server)
    database = await ensure_kernel_database(server, report=print)
    claims.forget_all()
    lab = Lab(lesson, server, facts, database)
    async with connect(server, database) as connection:
        users = await connection.fetchval("SELECT count(*) FROM users")
    atexit.register(_drop_at_exit, lab)
    explain_errors(server)
    leave_out_abandoned_futures()
    print(f"Lesson {lesson} is ready.")
    print(f"Server:   PostgreSQL {facts.version} at {facts.address} ({WHERE[server.where]})")
    print(f"Database: {database}, {users:,} users; yours alone, dropped by the last cell")
    print(
        f"Client:   asyncpg {importlib.metadata.version('asyncpg')}, "
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs"
    )
    _warn_if_full(facts)
    return lab


def _warn_if_full(facts: ServerFacts) -> None:
    free = facts.max_connections - facts.superuser_reserved - facts.sessions
    if free < SESSIONS_OF_A_LESSON:
        print(
            f"Note: the server has {free} free connections and a lesson uses up to "
            f"{SESSIONS_OF_A_LESSON}. Some cells may be refused."
        )


def _drop_at_exit(lab: Lab) -> None:
    # Best effort. What it misses is dropped by the next kernel that begins.
    with contextlib.suppress(Exception):
        asyncio.run(asyncio.wait_for(drop_database(lab.server, lab.database), timeout=5))
