"""A server as `DB_HOST` names one: nearly full when asked, and with roles of every kind."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg

from labsupport.postgres import OwnServer, own_server
from labsupport.postgres.roles import superuser_arguments

__all__ = ["SPECIAL", "Named", "named_server"]

SESSIONS = 30
SPECIAL = "p@ss/w#o?r%41d:[a] &=+,;'\"\\ $HOME${HOME}`x` -- \u00e4\u4e2d"
"""A password with every sign that an address, a shell, `.env` or SQL gives a meaning to."""


@dataclass(frozen=True)
class Named:
    """A running server and the loop on which its connections live."""

    own: OwnServer
    runner: asyncio.Runner

    @property
    def settings(self) -> dict[str, str]:
        """The `DB_*` variables with which everything works."""
        return {
            "DB_HOST": "127.0.0.1",
            "DB_PORT": str(self.own.server.port),
            "DB_USER": self.own.server.user,
            "DB_PASSWORD": self.own.server.password,
        }

    def execute(self, *statements: str) -> None:
        """Run statements as the superuser."""
        self.runner.run(self._execute(statements))

    def databases(self) -> list[str]:
        """Return the names of the lab's databases on it."""
        return list(self.runner.run(self._databases()))

    @contextlib.contextmanager
    def full(self, but: int = 0) -> Iterator[None]:
        """Hold all connections that an ordinary role can have inside the block, `but` so many."""
        held = self.runner.run(self._fill())
        try:
            self.runner.run(self._close(held[:but]))
            yield
        finally:
            self.runner.run(self._close(held[but:]))

    async def _execute(self, statements: tuple[str, ...]) -> None:
        superuser = superuser_arguments(self.own.cluster, self.own.server.port)
        connection = await asyncpg.connect(**superuser)
        for statement in statements:
            await connection.execute(statement)
        await connection.close(timeout=10)

    async def _databases(self) -> list[str]:
        connection = await asyncpg.connect(**self.own.arguments())
        rows = await connection.fetch("SELECT datname FROM pg_database ORDER BY 1")
        await connection.close(timeout=10)
        return [row[0] for row in rows if row[0].startswith("lab_")]

    async def _fill(self) -> list[Any]:
        held = []
        with contextlib.suppress(asyncpg.TooManyConnectionsError):
            for _ in range(SESSIONS):
                held.append(await asyncpg.connect(**self.own.arguments()))
        return held

    async def _close(self, connections: list[Any]) -> None:
        for connection in connections:
            await connection.close(timeout=10)


@contextlib.contextmanager
def named_server() -> Iterator[Named]:
    """Start a server with the roles `lab`, `poor` (no CREATEDB) and `special` (its password)."""
    manager = own_server(max_connections=SESSIONS)
    with asyncio.Runner() as runner:
        named = Named(runner.run(manager.__aenter__()), runner)
        try:
            quoted = SPECIAL.replace("'", "''")
            named.execute(
                "CREATE ROLE poor LOGIN PASSWORD 'poor-password'",
                f"CREATE ROLE special LOGIN CREATEDB PASSWORD '{quoted}'",
            )
            yield named
        finally:
            runner.run(manager.__aexit__(None, None, None))
