"""A throwaway server for what breaks servers: full, restarted, frozen or killed ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from labsupport.places import state_folder
from labsupport.postgres.account import cannot_keep_state, make_folder
from labsupport.postgres.binaries import find_binaries
from labsupport.postgres.cluster import Cluster
from labsupport.postgres.databases import load_data
from labsupport.postgres.faults import freeze, thaw
from labsupport.postgres.find import connect
from labsupport.postgres.guard import Guard
from labsupport.postgres.roles import create_lab_role, lab_server
from labsupport.postgres.server import ConnectionArguments, Server
from labsupport.postgres.settings import read_settings
from labsupport.postgres.status import is_alive, me

__all__ = ["OwnServer", "own_server"]

TRUSTED_ROLE = "visitor"
DATABASE = "lab"


@dataclass(frozen=True)
class OwnServer:
    """A throwaway server, which its holder may stop, start, crash and freeze.

    Every wait has a limit; what does not succeed raises `LabError`.
    """

    server: Server
    """The server as the ordinary role `lab` sees it, who logs in with a password (SCRAM)."""
    trusted: Server
    """The same server as the role `visitor`, whom it lets in without a password."""
    cluster: Cluster
    guard: Guard = field(repr=False)

    def arguments(self, database: str | None = None) -> ConnectionArguments:
        """Return keyword arguments for `asyncpg.connect`, for the role `lab`."""
        return self.server.arguments(database)

    @property
    def pid(self) -> int | None:
        """Process id of the running server; None while it is down. Each start has a new one."""
        return self.cluster.postmaster()

    async def stop(self) -> bool:
        """Stop the server: sessions end with an error, data are written. Whether it ran."""
        return await asyncio.to_thread(self.guard.act, "stop")

    async def start(self, *, as_standby: bool = False) -> None:
        """Start it again: same port, same data, new process.

        `as_standby` makes it a standby, which answers queries and refuses writes. Raises
        `LabError` when it runs already.
        """
        await asyncio.to_thread(self.guard.act, "start", as_standby)

    async def restart(self, *, as_standby: bool = False) -> None:
        """Stop it, if it runs, and start it again."""
        await asyncio.to_thread(self.guard.act, "restart", as_standby)

    async def crash(self) -> bool:
        """End it at once, as a crash does: no checkpoint, so `start` recovers. Whether it ran."""
        return await asyncio.to_thread(self.guard.act, "crash")

    def freeze(self, pid: int) -> None:
        """Let the session with this process id (`get_server_pid()`) do nothing until `thaw`.

        It keeps its connection and its locks. Raises ValueError when there is no such session.
        """
        freeze(self.pid, pid)

    def thaw(self, pid: int) -> None:
        """Let a frozen session go on. Raises ValueError when there is no such session."""
        thaw(self.pid, pid)

    def log(self) -> list[str]:
        """Return the lines of the server's log since it was made, over all its starts."""
        return self.cluster.log.read_text(encoding="utf-8", errors="replace").splitlines()


@contextlib.asynccontextmanager
async def own_server(
    max_connections: int = 100, settings: Mapping[str, str] | None = None
) -> AsyncIterator[OwnServer]:
    """Start a server with the sample data that nobody else uses, and remove it at the end.

    Use it as `async with own_server(max_connections=20) as own`. It is always an embedded one,
    also when `DB_HOST` is set. `settings` are further settings for `postgresql.conf`. When this
    process is killed, the server ends by itself. Raises `LabError` when it does not start.
    """
    _sweep()
    folder = state_folder() / "own" / secrets.token_hex(4)
    cluster = Cluster(folder, find_binaries(read_settings()))
    lines = {"max_connections": str(max_connections), "fsync": "off", **(settings or {})}
    guard = await asyncio.to_thread(_start, cluster, lines)
    try:
        await create_lab_role(cluster, guard.port, trusted_role=TRUSTED_ROLE)
        server = await _fill(lab_server(cluster, guard.port, where="own"))
        yield OwnServer(
            server=server,
            trusted=replace(server, user=TRUSTED_ROLE, password=""),
            cluster=cluster,
            guard=guard,
        )
    finally:
        await asyncio.to_thread(guard.stop)
        cluster.remove()


async def _fill(server: Server) -> Server:
    """Make a database with the sample data that both roles may read; return the server with it."""
    async with connect(server) as connection:
        await connection.execute(f"CREATE DATABASE {DATABASE}")
    async with connect(server, DATABASE) as connection:
        await load_data(connection)
        await connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {TRUSTED_ROLE}")
    return replace(server, database=DATABASE)


def _start(cluster: Cluster, settings: Mapping[str, str]) -> Guard:
    make_folder(cluster.folder)
    try:
        (cluster.folder / "owner.json").write_text(json.dumps(me()), encoding="utf-8")
        cluster.make(settings, trusted_role=TRUSTED_ROLE)
        return Guard(cluster, throwaway=True)
    except OSError as error:
        cluster.remove()
        raise cannot_keep_state(error) from error
    except BaseException:
        cluster.remove()
        raise


def _sweep() -> None:
    """Remove what is left of throwaway servers whose owner and guard were both killed."""
    for file in (state_folder() / "own").glob("*/owner.json"):
        with contextlib.suppress(OSError, ValueError):
            if not is_alive(json.loads(file.read_text(encoding="utf-8"))):
                cluster = Cluster(file.parent, find_binaries(read_settings()))
                cluster.stop()
                cluster.remove()
