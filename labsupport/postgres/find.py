"""Find the server that is meant, connect to it, and say in a sentence why that fails."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from labsupport.errors import LabError
from labsupport.postgres.cluster import REMAKE
from labsupport.postgres.embedded import ensure_embedded
from labsupport.postgres.server import Server
from labsupport.postgres.settings import chosen_server, read_settings

__all__ = [
    "ServerFacts",
    "connect",
    "explain",
    "explain_refusal",
    "find_server",
    "inspect_server",
]

OLDEST = 14
CONNECT_LIMIT = 10

# Of other roles' sessions an ordinary role is not told the type; they are in a database, though.
FACTS = """
    SELECT current_setting('server_version') AS version,
           current_setting('server_version_num')::int AS version_num,
           current_setting('max_connections')::int AS max_connections,
           current_setting('superuser_reserved_connections')::int AS superuser_reserved,
           (SELECT count(*) FROM pg_stat_activity
            WHERE datid IS NOT NULL
              AND coalesce(backend_type, 'client backend') = 'client backend') AS sessions,
           rolcreatedb OR rolsuper AS may_create_databases,
           current_user AS role
    FROM pg_roles WHERE rolname = current_user
"""


@dataclass(frozen=True)
class ServerFacts:
    """What a server says of itself and of the role that asks."""

    version: str
    version_num: int
    max_connections: int
    superuser_reserved: int
    sessions: int
    """Client sessions at the moment of asking, ours included."""
    may_create_databases: bool
    role: str
    address: str


async def find_server(report: Callable[[str], None] = lambda line: None) -> Server:
    """Return the server that `DB_HOST` names; without it, the embedded one, started if needed.

    `report` is called with a line for each step that takes time. Raises `LabError`.
    """
    settings = read_settings()
    server = chosen_server(settings)
    if server is None:
        server = await asyncio.to_thread(ensure_embedded, report, settings)
    return server


async def inspect_server(server: Server) -> ServerFacts:
    """Connect once and return what the server says. Raises `LabError` when it is no use to us."""
    async with connect(server) as connection:
        if connection.get_server_version().major < OLDEST:
            raise _too_old(server, connection.get_settings().server_version)
        try:
            row = await connection.fetchrow(FACTS)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise explain_refusal(error, server) from error
    return ServerFacts(**dict(row), address=server.address)


def _too_old(server: Server, version: str) -> LabError:
    newer = "name a newer one in LAB_PG_BIN, or remove LAB_PG_BIN to use the lab's own."
    if server.where == "DB_HOST":
        newer = "name a newer server in DB_HOST, or remove DB_HOST to use the embedded one."
    return LabError(
        f"{server.address} is PostgreSQL {version}. The lab needs {OLDEST} or newer: {newer}"
    )


@contextlib.asynccontextmanager
async def connect(server: Server, database: str | None = None) -> AsyncIterator[Any]:
    """Open one connection, as `async with connect(server) as connection`.

    Raises `LabError` when the connection cannot be made.
    """
    try:
        async with asyncio.timeout(CONNECT_LIMIT):
            connection = await asyncpg.connect(**server.arguments(database))
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise explain(error, server, database or server.database) from error
    try:
        yield connection
    finally:
        await connection.close(timeout=10)


def explain(error: BaseException, server: Server, database: str) -> LabError:
    """Turn the error of a connection attempt into a sentence that says what to do next."""
    at = server.address
    named = server.where == "DB_HOST"
    again = "Run the notebook's first cell again."
    elsewhere = "or remove DB_HOST to use the embedded server."
    # The order matters: a TimeoutError and a gaierror are OSErrors too.
    match error:
        case asyncpg.InvalidAuthorizationSpecificationError():
            says = f"{at} refuses the role {server.user!r} ({error})."
            mend = "Check DB_USER, DB_PASSWORD and the server's pg_hba.conf." if named else REMAKE
        case asyncpg.InvalidCatalogNameError():
            says = f"{at} has no database {database!r}."
            # A notebook's own database is dropped by its last cell, and by whoever tidies up.
            mend = again if database.startswith("lab_kernel_") else "Check DB_NAME."
        case asyncpg.TooManyConnectionsError() if 'for role "' in str(error):
            says = f"The role {server.user!r} has all its connections in use ({error})."
            mend = "Close your other notebooks, or ask for a higher CONNECTION LIMIT of that role."
        case asyncpg.TooManyConnectionsError():
            says, mend = (
                f"{at} has no connection left ({error}).",
                "Close other programs' sessions, or raise max_connections.",
            )
        case asyncpg.CannotConnectNowError():
            says, mend = f"{at} is starting or stopping ({error}).", "Try again in a moment."
        case socket.gaierror() | UnicodeError():
            says = f"The name {server.host!r} is not known."
            mend = f"Check DB_HOST, {elsewhere}"
        case TimeoutError():
            says = f"{at} does not answer within {CONNECT_LIMIT} s."
            mend = "Check DB_HOST and DB_PORT."
        case ssl.SSLError():
            says = f"{at} and we agree on no TLS ({error})."
            mend = "Check DB_SSL_MODE and DB_SSL_CA."
        case ConnectionRefusedError():
            says = f"No PostgreSQL listens at {at}."
            mend = f"Start it, {elsewhere}" if named else again
        case ConnectionError() if "SSL upgrade" in str(error):
            says = f"{at} speaks no TLS, or is no PostgreSQL ({error})."
            mend = f"Check DB_SSL_MODE, DB_HOST and DB_PORT, {elsewhere}"
        case _:
            says = f"No connection to {at}: {error or type(error).__name__}."
            mend = f"Check DB_HOST and DB_PORT, {elsewhere}" if named else again
    return LabError(f"{says} {mend}")


def explain_refusal(error: Exception, server: Server) -> LabError:
    """Turn an error of a statement that the lab itself needs into a sentence."""
    says = f"{server.address} did not do what the lab needs ({error or type(error).__name__})."
    match error:
        case asyncpg.DiskFullError():
            mend = "Free about 1 GB of the disk that holds its data."
        case asyncpg.InsufficientPrivilegeError():
            mend = "Ask the server's administrator for that right."
        case _:
            mend = "Try again; `python3 -m labsupport doctor` says how the server is."
    return LabError(f"{says} {mend}")
