"""Make an account for each participant of a workshop, and remove what was made.

Both can be run again: what is there is kept, what is missing is made, what is gone is gone. An
account that a failure left half-made is completed by the next run.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from labsupport.errors import LabError
from labsupport.postgres import Server
from labsupport.postgres.find import explain
from labsupport.workshop.capacity import Capacity, plan_capacity
from labsupport.workshop.handouts import (
    Handout,
    delete_handout,
    prepare_folder,
    read_handout,
    write_handout,
)
from labsupport.workshop.naming import (
    DATABASE_MARK,
    ROLE_MARK,
    is_of_a_participant,
    participant_name,
    place_of,
)
from labsupport.workshop.passwords import new_password, scram_verifier
from labsupport.workshop.roster import (
    Host,
    Role,
    alone,
    databases_of,
    read_host,
    read_roles,
)

__all__ = ["Account", "Removal", "create_accounts", "remove_accounts"]

LOGIN_LIMIT = 15
ENDED_LOOKS = 50
LOOK_EVERY = 0.2
WITH_OPTIONS = 160000
"""From this version on a membership says what it is good for, and a creator has to say so."""


@dataclass(frozen=True)
class Account:
    """What became of one participant's account."""

    name: str
    """Role and database are called so."""
    limit: int
    """Sessions at the same time."""
    what: str
    """"made", "kept", "new password" or "new address"."""
    file: Path


@dataclass(frozen=True)
class Removal:
    """What was removed, and what was left with the reason."""

    roles: tuple[str, ...]
    databases: tuple[str, ...]
    files: int
    left: tuple[str, ...]
    """A sentence for each thing that stays."""


@dataclass(frozen=True)
class _Plan:
    """What is to be done, found out before anything is changed."""

    host: Host
    names: list[str]
    roles: dict[str, Role]
    databases: dict[str, str]
    passes: dict[str, Handout]
    """Of participants whose role takes the password of their file: what stands in it."""
    seen_as: str
    """The name of the server's machine, as it will stand in the files."""
    limit: int


async def create_accounts(
    server: Server,
    participants: int,
    prefix: str,
    folder: Path,
    address: str | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> list[Account]:
    """Make a role, a database and a file `.env` for each of so many participants.

    What an earlier call made is kept, its passwords too. `address` is the name of the server's
    machine as participants see it: unless given, the one in earlier files, or `DB_HOST`.
    Raises `LabError` when the server has no room, when our role lacks a right, or when a name is
    taken by something that is not ours; nothing is changed then.
    """
    prepare_folder(folder)
    async with alone(server) as connection:
        plan = await _plan(connection, server, participants, prefix, folder, address)
        report(f"Preparing {len(plan.names)} accounts at {server.address} ...")
        return [await _ensure(connection, server, plan, name, folder) for name in plan.names]


async def _plan(
    connection: Any,
    server: Server,
    participants: int,
    prefix: str,
    folder: Path,
    address: str | None,
) -> _Plan:
    host = await read_host(connection)
    _check_rights(host, server)
    roles = {role.name: role for role in await read_roles(connection, prefix)}
    wanted = {participant_name(prefix, number) for number in range(1, participants + 1)}
    # Those that are there already count too: they will come.
    names = sorted(wanted | {role.name for role in roles.values() if role.is_ours}, key=place_of)
    databases = await databases_of(connection, names)
    _check_names(names, roles, databases, server)
    capacity = plan_capacity(host.max_connections, host.reserved, len(names), host.others_now)
    _check_room(capacity, server)
    handouts = {name: read_handout(folder, name) for name in names}
    passes = {
        name: handout
        for name, handout in handouts.items()
        if handout is not None and name in roles and await _lets_in(server, handout)
    }
    earlier = next((handout.host for handout in passes.values()), server.host)
    seen_as = address or earlier
    for name, handout in handouts.items():
        if handout is not None and name not in passes:
            _check_address(handout, {seen_as, server.host}, server.port, folder)
    return _Plan(host, names, roles, databases, passes, seen_as, capacity.limit)


def _check_address(handout: Handout, hosts: set[str], port: int, folder: Path) -> None:
    if handout.host not in hosts or handout.port != port:
        raise LabError(
            f"{folder / handout.name}.env is for {handout.address}, where its password may still "
            "be in use. Choose another folder with --output."
        )


def _check_rights(host: Host, server: Server) -> None:
    if not host.may_create_roles or not host.may_create_databases:
        raise LabError(
            f"The role {host.role!r} may not create both roles and databases at {server.address}. "
            f"Ask for: ALTER ROLE {host.role} CREATEROLE CREATEDB;"
        )


def _check_names(
    names: list[str], roles: dict[str, Role], databases: dict[str, str], server: Server
) -> None:
    foreign = [name for name in names if name in roles and not roles[name].is_ours]
    if foreign:
        raise LabError(
            f"{server.address} has a role {foreign[0]!r} that the lab did not make, and it is left "
            "alone. Choose other names with --prefix."
        )
    taken = [name for name in names if databases.get(name, name) != name]
    if taken:
        raise LabError(
            f"{server.address} has a database {taken[0]!r} that belongs to "
            f"{databases[taken[0]]!r}, and it is left alone. Choose other names with --prefix."
        )


def _check_room(capacity: Capacity, server: Server) -> None:
    if not capacity.fits:
        raise LabError(
            f"{server.address} has max_connections = {capacity.max_connections}, which is enough "
            f"for {capacity.room_for} participants and not for {capacity.participants}. It takes "
            f"{capacity.arithmetic}. Set max_connections = {capacity.needed} there and restart "
            "it, or make fewer accounts on each of several servers."
        )


async def _lets_in(server: Server, handout: Handout) -> bool:
    """Whether the server takes the password of a file. Raises `LabError` for other obstacles."""
    there = handout.seen_from_here(server)
    try:
        async with asyncio.timeout(LOGIN_LIMIT):
            connection = await asyncpg.connect(**there.arguments())
    except asyncpg.InvalidPasswordError:
        return False
    except (asyncpg.TooManyConnectionsError, asyncpg.InvalidCatalogNameError):
        return True  # The server looks at these after the password.
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise explain(error, there, there.database) from error
    await connection.close(timeout=10)
    return True


async def _ensure(connection: Any, server: Server, plan: _Plan, name: str, folder: Path) -> Account:
    """Make one account, or complete it, and write its file."""
    known = plan.passes.get(name)
    password = known.password if known is not None else new_password()
    handout = Handout.for_participant(name, server, plan.seen_as, password)
    await _ensure_role(connection, plan, name, password if known is None else None)
    await _ensure_database(connection, name, exists=name in plan.databases)
    file = write_handout(folder, handout)
    if known is None and not await _lets_in(server, handout):
        raise LabError(
            f"{server.address} does not take the password that it was given for {name}. "
            "Its pg_hba.conf has to let participants in with scram-sha-256."
        )
    if known is not None:
        what = "kept" if known == handout else "new address"
    else:
        what = "new password" if name in plan.roles else "made"
    return Account(name, plan.limit, what, file)


async def _ensure_role(connection: Any, plan: _Plan, name: str, password: str | None) -> None:
    # In one transaction, so that no role is ever without its mark.
    async with connection.transaction():
        if name not in plan.roles:
            await connection.execute(f'CREATE ROLE "{name}"')
            await connection.execute(f"COMMENT ON ROLE \"{name}\" IS '{ROLE_MARK}'")
            if not plan.host.is_superuser:
                # Whoever is no superuser has to belong to the owner of what it gives or drops.
                options = " WITH INHERIT TRUE, SET TRUE"
                await connection.execute(
                    f'GRANT "{name}" TO CURRENT_USER'
                    + (options if plan.host.version_num >= WITH_OPTIONS else "")
                )
        sets = f" PASSWORD '{scram_verifier(password)}'" if password is not None else ""
        # Each notebook gets a database of its own, which its kernel makes.
        await connection.execute(
            f'ALTER ROLE "{name}" LOGIN CREATEDB CONNECTION LIMIT {plan.limit}{sets}'
        )


async def _ensure_database(connection: Any, name: str, *, exists: bool) -> None:
    if not exists:
        await connection.execute(
            f'CREATE DATABASE "{name}" OWNER "{name}" TEMPLATE template0 ENCODING \'UTF8\''
        )
    await connection.execute(f"COMMENT ON DATABASE \"{name}\" IS '{DATABASE_MARK}'")
    await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')


async def remove_accounts(server: Server, prefix: str, folder: Path) -> Removal:
    """Remove the roles with the lab's mark, their lessons' databases and their files.

    Sessions are ended. A role that owns a database which neither the lab nor a lesson made is
    left whole, and so is everything that has another owner.
    """
    roles: list[str] = []
    databases: list[str] = []
    left: list[str] = []
    files = 0
    async with alone(server) as connection:
        for role in await read_roles(connection, prefix):
            if not role.is_ours:
                left.append(f"The role {role.name} was not made by the lab and stays.")
                continue
            dropped, reason = await _remove(connection, role.name)
            databases += dropped
            if reason is not None:
                left.append(reason)
                continue
            roles.append(role.name)
            files += delete_handout(folder, role.name)
    with contextlib.suppress(OSError):
        folder.rmdir()  # Only when nothing else lies in it.
    return Removal(tuple(roles), tuple(databases), files, tuple(left))


async def _remove(connection: Any, name: str) -> tuple[list[str], str | None]:
    """Drop a participant's databases and role; return those and, when it stays, the reason."""
    owned = [
        database
        for database, owner in (await databases_of(connection, [name])).items()
        if owner == name
    ]
    foreign = [database for database in owned if not is_of_a_participant(database, name)]
    if foreign:
        return [], (
            f"{name} stays, because it owns the database {foreign[0]!r}, which no lesson made: "
            "drop it or give it to another role, then run this again."
        )
    # Nobody comes in any more: a kernel would connect again at once.
    await connection.execute(f'ALTER ROLE "{name}" CONNECTION LIMIT 0')
    await _end_sessions(connection, name)
    for database in owned:
        await connection.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    try:
        await connection.execute(f'DROP ROLE "{name}"')
    except asyncpg.DependentObjectsStillExistError as error:
        detail = " ".join((error.detail or str(error)).split())
        return owned, (
            f"The role {name} stays, because things in other databases depend on it ({detail}): "
            "drop them or give them to another role, then run this again."
        )
    return owned, None


async def _end_sessions(connection: Any, name: str) -> None:
    """End a role's sessions. Raises `LabError` when some do not end."""
    sessions = "SELECT pid FROM pg_stat_activity WHERE usename = $1"
    for _ in range(ENDED_LOOKS):
        if not await connection.fetch(sessions, name):
            return
        await connection.fetch(f"SELECT pg_terminate_backend(pid) FROM ({sessions}) AS them", name)
        await asyncio.sleep(LOOK_EVERY)
    raise LabError(f"The sessions of {name} do not end. Try again in a moment.")
