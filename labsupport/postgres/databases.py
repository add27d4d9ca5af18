"""A database of its own for each kernel, cloned from a template that is loaded once.

A kernel's database carries in its name who made it, so that one whose kernel has died is found
and dropped at the next start, and nobody else's ever is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from labsupport.errors import LabError
from labsupport.places import project_root, state_folder
from labsupport.postgres.account import cannot_keep_state, make_folder
from labsupport.postgres.find import connect, explain_refusal, inspect_server
from labsupport.postgres.server import Server
from labsupport.postgres.status import is_alive, me

__all__ = [
    "drop_database",
    "drop_lab_databases",
    "ensure_kernel_database",
    "ensure_template",
    "load_data",
]

TABLES = ("users", "profiles", "orders")
LOCK_KEY = 7_300_401
LOCK_LIMIT = "60s"
MINE = "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user"
MARK = "Made by the Connection Pooling Lab; dropped when its kernel has ended."


async def ensure_kernel_database(
    server: Server, report: Callable[[str], None] = lambda line: None
) -> str:
    """Return the name of this kernel's database; make it from the template when it is not there.

    Databases that killed kernels of this clone left behind are dropped on the way.
    Raises `LabError` when the role may not create databases, or the server refuses.
    """
    template = await ensure_template(server, report)
    name = _name_of(me()["pid"], me()["started"])
    async with _alone(server) as connection:
        existing = {row["datname"] for row in await connection.fetch(MINE)}
        for orphan in sorted(existing):
            if _is_orphan(orphan):
                await connection.execute(_drop(orphan))
        if name not in existing:
            try:
                await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            except asyncpg.DuplicateDatabaseError as error:
                raise LabError(
                    f"This kernel's database {name} belongs to the role that it began with, and "
                    "DB_USER has changed since. Restart the kernel and run its first cell again."
                ) from error
            await connection.execute(f"COMMENT ON DATABASE \"{name}\" IS '{MARK}'")
    return name


async def ensure_template(server: Server, report: Callable[[str], None] = lambda line: None) -> str:
    """Return the name of the template database with the sample data; load `data/` into it once.

    It is loaded under another name and renamed at the end, so that a half-loaded one is never used.
    Raises `LabError` when the role may not create databases, or the server refuses.
    """
    await _check_role(server)
    async with _alone(server) as connection:
        role = await connection.fetchval("SELECT current_user")
        name = f"lab_template_{_fingerprint(role)}"
        known = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
        if not await connection.fetchval(known, name):
            report("Loading the sample data (once) ...")
            await _make_template(server, connection, name)
    return name


async def _make_template(server: Server, connection: Any, name: str) -> None:
    half = _name_of(me()["pid"], me()["started"], kind="building")
    try:
        await _fill(server, connection, half)
        is_ours = await _rename(connection, half, name)
    except BaseException:
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await connection.execute(_drop(half))
        raise
    if not is_ours:
        await connection.execute(_drop(half))
        return
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await connection.execute(
        f"COMMENT ON DATABASE \"{name}\" IS 'Sample data of the Connection Pooling Lab.'"
    )


async def _rename(connection: Any, half: str, name: str) -> bool:
    """Give the template its name; return False when another clone's has it by now.

    The lock of `_alone` is one of the database that `DB_NAME` names, so a clone with another
    DB_NAME may load the same template at the same time.
    """
    try:
        await connection.execute(f'ALTER DATABASE "{half}" RENAME TO "{name}"')
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        # The second one is raised when both are renamed at once.
        return False
    return True


async def _check_role(server: Server) -> None:
    facts = await inspect_server(server)
    if not facts.may_create_databases:
        raise LabError(
            f"The role {facts.role!r} may not create databases at {server.address}, and the lab "
            f"makes one for each notebook. Ask for: ALTER ROLE {facts.role} CREATEDB;"
        )


async def _fill(server: Server, connection: Any, name: str) -> None:
    await connection.execute(_drop(name))
    await connection.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
    async with connect(server, name) as filling:
        await load_data(filling)


def _drop(name: str) -> str:
    return f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'


async def load_data(connection: Any) -> None:
    """Create the tables of `data/schema.sql` and fill them from the CSV files beside it."""
    data = project_root() / "data"
    async with connection.transaction():
        await connection.execute((data / "schema.sql").read_text(encoding="utf-8"))
        for table in TABLES:
            source = data / f"{table}.csv"
            with source.open(encoding="utf-8") as file:
                columns = file.readline().strip().split(",")
            await connection.copy_to_table(
                table, source=source, columns=columns, format="csv", header=True
            )
        await connection.execute((data / "after_load.sql").read_text(encoding="utf-8"))
    await connection.execute("VACUUM (ANALYZE)")


async def drop_database(server: Server, name: str) -> None:
    """Drop a kernel's database, also when sessions are left in it."""
    async with connect(server) as connection:
        await connection.execute(_drop(name))


async def drop_lab_databases(server: Server) -> list[str]:
    """Drop this clone's databases and the template of our role; return their names."""
    async with _alone(server) as connection:
        template = f"lab_template_{_fingerprint(await connection.fetchval('SELECT current_user'))}"
        existing = [row["datname"] for row in await connection.fetch(MINE)]
        ours = [name for name in existing if name == template or _is_this_clones(name)]
        for name in ours:
            await connection.execute(_drop(name))
    return ours


@asynccontextmanager
async def _alone(server: Server) -> AsyncIterator[Any]:
    """Connect, and hold a lock that keeps other kernels from doing the same at the same time.

    Raises `LabError` for what the server refuses inside the block as well.
    """
    async with connect(server) as connection:
        await connection.execute(f"SET lock_timeout = '{LOCK_LIMIT}'")
        try:
            await connection.execute(f"SELECT pg_advisory_lock({LOCK_KEY})", timeout=90)
        except (asyncpg.LockNotAvailableError, TimeoutError) as error:
            raise LabError(
                f"Another kernel has been preparing databases at {server.address} for "
                f"{LOCK_LIMIT}. Try again in a moment."
            ) from error
        try:
            yield connection
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise explain_refusal(error, server) from error


def _fingerprint(role: str) -> str:
    # A clone of a template keeps the owner of its tables, so each role has a template of its own.
    digest = hashlib.sha256(role.encode("utf-8"))
    for file in sorted((project_root() / "data").iterdir()):
        if file.suffix in (".csv", ".sql"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _name_of(pid: int, started: int, kind: str = "kernel") -> str:
    return f"lab_{kind}_{_this_clone()}_{pid}_{started}"


def _is_this_clones(database: str) -> bool:
    return re.fullmatch(rf"lab_(kernel|building)_{_this_clone()}_\d+_\d+", database) is not None


def _is_orphan(database: str) -> bool:
    if not _is_this_clones(database):
        return False
    pid, started = database.split("_")[-2:]
    return not is_alive({"pid": pid, "started": started})


def _this_clone() -> str:
    """Return a short random name of this clone on this machine, made once.

    Raises `LabError` when it cannot be kept.
    """
    file = state_folder() / "clone_name"
    if _name_in(file) is None:
        make_folder(state_folder())
        half = Path(f"{file}.{os.getpid()}")
        try:
            half.write_text(secrets.token_hex(3), encoding="utf-8")
            half.replace(file)
        except OSError as error:
            raise cannot_keep_state(error) from error
    return file.read_text(encoding="utf-8")


def _name_in(file: Path) -> str | None:
    """Return the clone's name that `file` holds; None if it is missing or spoilt."""
    try:
        name = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return name if re.fullmatch("[0-9a-f]{6}", name) else None
