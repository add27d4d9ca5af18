"""What the shared server knows of a workshop: its participants' roles and databases."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg

from labsupport.errors import LabError
from labsupport.postgres import (
    Server,
    chosen_server,
    connect,
    inspect_server,
    read_settings,
)
from labsupport.postgres.find import explain_refusal
from labsupport.workshop.naming import ROLE_MARK, name_pattern, place_of

__all__ = ["Host", "Role", "alone", "databases_of", "read_host", "read_roles", "shared_server"]

LOCK_KEY = 7_300_402

HOST = """
    SELECT current_setting('max_connections')::int AS max_connections,
           current_setting('superuser_reserved_connections')::int
           + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
           (SELECT count(*) FROM pg_stat_activity AS a
            WHERE a.datid IS NOT NULL AND a.pid <> pg_backend_pid()
            AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = a.usesysid
                            AND shobj_description(r.oid, 'pg_authid') = $1)) AS others_now,
           current_setting('server_version_num')::int AS version_num,
           rolsuper AS is_superuser,
           rolsuper OR rolcreaterole AS may_create_roles,
           rolsuper OR rolcreatedb AS may_create_databases,
           rolname AS role
    FROM pg_roles WHERE rolname = current_user
"""
ROLES = """
    SELECT rolname AS name, rolconnlimit AS limit,
           coalesce(shobj_description(oid, 'pg_authid') = $2, false) AS is_ours
    FROM pg_roles WHERE rolname ~ $1
"""
DATABASES = """
    SELECT datname AS name, pg_get_userbyid(datdba) AS owner FROM pg_database
    WHERE datname = ANY($1) OR pg_get_userbyid(datdba) = ANY($1) ORDER BY datname
"""


@dataclass(frozen=True)
class Host:
    """What a server says of its room and of the role that asks."""

    max_connections: int
    reserved: int
    """Sessions kept for superusers and, from PostgreSQL 16 on, for reserved roles."""
    others_now: int
    """Sessions at this moment that are no participant's, ours not counted."""
    version_num: int
    is_superuser: bool
    may_create_roles: bool
    may_create_databases: bool
    role: str


@dataclass(frozen=True)
class Role:
    """A role with a participant's name."""

    name: str
    limit: int
    """Its connection limit; -1 is none."""
    is_ours: bool
    """Whether it carries the lab's mark."""


def shared_server() -> Server:
    """The server that `DB_HOST` names. Raises `LabError` when it names none."""
    server = chosen_server(read_settings())
    if server is None:
        raise LabError(
            "A workshop shares one server, and DB_HOST names none. Write DB_HOST, DB_USER and "
            "DB_PASSWORD of a role that may create roles and databases into .env."
        )
    return server


@contextlib.asynccontextmanager
async def alone(server: Server) -> AsyncIterator[Any]:
    """Connect, and keep other `workshop` commands from changing accounts at the same time.

    Raises `LabError` when another one runs, and for what the server refuses inside the block.
    """
    await inspect_server(server)
    async with connect(server) as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
            raise LabError(
                f"Another `workshop` command is changing accounts at {server.address}. "
                "Try again when it has ended."
            )
        try:
            yield connection
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise explain_refusal(error, server) from error


async def read_host(connection: Any) -> Host:
    """Ask the server about its room and our rights."""
    return Host(**dict(await connection.fetchrow(HOST, ROLE_MARK)))


async def read_roles(connection: Any, prefix: str) -> list[Role]:
    """Return the roles with participants' names, ours or not, in the order of their numbers."""
    rows = await connection.fetch(ROLES, name_pattern(prefix), ROLE_MARK)
    return sorted((Role(**dict(row)) for row in rows), key=lambda role: place_of(role.name))


async def databases_of(connection: Any, names: list[str]) -> dict[str, str]:
    """Return each database that is called so or belongs to one of these roles, with its owner."""
    return {row["name"]: row["owner"] for row in await connection.fetch(DATABASES, names)}
