"""The server at which an answer is watched, and the onlooker's own connection there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from labsupport.postgres import OwnServer, Server, drop_database, find_server, own_server
from labsupport.postgres.roles import superuser_arguments

__all__ = ["OwnStand", "SharedStand", "Stand", "stand_for"]

LOOK_EVERY = 0.02
GONE_LIMIT = 3
GONE = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What the onlooker's connection raises when its server is stopped."""
SESSIONS = """
    SELECT pid, state, query, application_name, coalesce(wait_event, '') AS wait_event
    FROM pg_stat_activity
    WHERE datname = $1 AND usename <> $2 AND pid <> pg_backend_pid()
        AND backend_type = 'client backend'
    ORDER BY backend_start
"""


@dataclass
class Stand:
    """A server, the database that is the answer's alone, and a connection that looks on."""

    server: Server
    database: str = ""
    """Where the answer works; everybody else keeps out, so that all sessions there are its own."""
    onlooker: Any = None
    ignored: str = ""
    """A role whose sessions are the lab's own."""
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    _looking: asyncio.Task[None] | None = None
    _peak: dict[str, int] = field(default_factory=dict)

    async def open(self) -> None:
        """Connect the onlooker."""
        self.onlooker = await asyncpg.connect(
            **self.server.arguments(application_name="exercise onlooker")
        )

    async def sessions(self) -> list[dict[str, Any]]:
        """Return the answer's sessions: pid, state, query, application_name, wait_event."""
        async with self._alone:
            rows = await self.onlooker.fetch(SESSIONS, self.database, self.ignored)
        return [dict(row) for row in rows]

    async def kill(self, pids: list[int]) -> None:
        """End these sessions and wait until they are gone."""
        async with self._alone:
            await self.onlooker.fetch(
                "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", pids
            )
        deadline = asyncio.get_running_loop().time() + GONE_LIMIT
        while asyncio.get_running_loop().time() < deadline:
            if not {session["pid"] for session in await self.sessions()} & set(pids):
                return
            await asyncio.sleep(LOOK_EVERY)

    async def watch(self) -> None:
        """Begin to note the largest numbers of sessions, and of those that work."""
        await self._stop_looking()
        self._peak = {"sessions": 0, "active": 0}
        self._looking = asyncio.create_task(self._look())

    async def peak(self) -> dict[str, int]:
        """Stop watching; return the largest numbers seen: `sessions` and `active`."""
        await self._stop_looking()
        return self._peak

    async def _look(self) -> None:
        while True:
            sessions = await self.sessions()
            active = sum(session["state"] == "active" for session in sessions)
            self._peak["sessions"] = max(self._peak["sessions"], len(sessions))
            self._peak["active"] = max(self._peak["active"], active)
            await asyncio.sleep(LOOK_EVERY)

    async def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError, *GONE):
                await self._looking
            self._looking = None

    async def close(self) -> None:
        """Let go of the onlooker and of what the answer left at the server."""
        await self._stop_looking()
        if self.onlooker is not None:
            self.onlooker.terminate()


class SharedStand(Stand):
    """The notebook's server, with a database that the answer's process has made for itself."""

    async def close(self) -> None:
        """Drop the answer's database, which also ends what sessions are left in it."""
        await super().close()
        if self.database:
            await drop_database(self.server, self.database)


@dataclass
class OwnStand(Stand):
    """A throwaway server that can be stopped and started; its onlooker is the superuser."""

    own: OwnServer | None = None

    async def open(self) -> None:
        """Connect the onlooker as superuser."""
        assert self.own is not None
        self.ignored = "postgres"
        arguments = superuser_arguments(self.own.cluster, self.server.port)
        self.onlooker = await asyncpg.connect(**arguments)

    async def stop_server(self) -> None:
        """Stop the server; its sessions end."""
        assert self.own is not None
        await self._stop_looking()
        self.onlooker.terminate()
        await self.own.stop()

    async def start_server(self) -> None:
        """Start it again, on the same port."""
        assert self.own is not None
        await self.own.start()
        await self.open()

    async def make_login(self, user: str, password: str) -> None:
        """Create a role that may log in with this password."""
        async with self._alone:
            text = await self.onlooker.fetchval(
                "SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)",
                user,
                password,
            )
            await self.onlooker.execute(text)


@contextlib.asynccontextmanager
async def stand_for(kind: str) -> AsyncIterator[Stand]:
    """Give the server that a check needs, "shared" or "own". Raises `LabError`."""
    async with contextlib.AsyncExitStack() as stack:
        stand: Stand
        if kind == "own":
            own = await stack.enter_async_context(own_server())
            stand = OwnStand(own.server, own.server.database, own=own)
        else:
            stand = SharedStand(await find_server(print))
        stack.push_async_callback(stand.close)
        yield stand
