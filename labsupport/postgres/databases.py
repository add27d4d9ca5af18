"""A database of its own for each kernel, cloned from a template that is loaded once.

A kernel's database carries in its name who made it, so that one whose kernel has died is found
and dropped at the next start, and nobody else's ever is.
"""

from __future__ import annotations

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
from labsupport.postgres.account import make_folder
from labsupport.postgres.find import connect, inspect_server
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
    Raises `LabError` when the role may not create databases.
    """
    facts = await inspect_server(server)
    if not facts.may_create_databases:
        raise LabError(
            f"The role {facts.role!r} may not create databases at {server.address}, and the lab "
            f"makes one for each notebook. Ask for: ALTER ROLE {facts.role} CREATEDB;"
        )
    template = await ensure_template(server, report)
    name = _name_of(me()["pid"], me()["started"])
    async with _alone(server) as connection:
        existing = {row["datname"] for row in await connection.fetch(MINE)}
        for orphan in sorted(existing):
            if _is_orphan(orphan):
                await connection.execute(f'DROP DATABASE IF EXISTS "{orphan}" WITH (FORCE)')
        if name not in existing:
            await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            await connection.execute(f"COMMENT ON DATABASE \"{name}\" IS '{MARK}'")
    return name


async def ensure_template(server: Server, report: Callable[[str], None] = lambda line: None) -> str:
    """Return the name of the template database with the sample data; load `data/` into it once.

    It is loaded under another name and renamed at the end, so that a half-loaded one is never used.
    """
    async with _alone(server) as connection:
        role = await connection.fetchval("SELECT current_user")
        name = f"lab_template_{_fingerprint(role)}"
        known = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
        if await connection.fetchval(known, name):
            return name
        report("Loading the sample data (once) ...")
        half = _name_of(me()["pid"], me()["started"], kind="building")
        await connection.execute(f'DROP DATABASE IF EXISTS "{half}" WITH (FORCE)')
        await connection.execute(f"CREATE DATABASE \"{half}\" TEMPLATE template0 ENCODING 'UTF8'")
        async with connect(server, half) as filling:
            await load_data(filling)
        await connection.execute(f'ALTER DATABASE "{half}" RENAME TO "{name}"')
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await connection.execute(
            f"COMMENT ON DATABASE \"{name}\" IS 'Sample data of the Connection Pooling Lab.'"
        )
    return name


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
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def drop_lab_databases(server: Server) -> list[str]:
    """Drop this clone's databases and the template of our role; return their names."""
    async with _alone(server) as connection:
        template = f"lab_template_{_fingerprint(await connection.fetchval('SELECT current_user'))}"
        existing = [row["datname"] for row in await connection.fetch(MINE)]
        ours = [name for name in existing if name == template or _is_this_clones(name)]
        for name in ours:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    return ours


@asynccontextmanager
async def _alone(server: Server) -> AsyncIterator[Any]:
    """Connect, and hold a lock that keeps other kernels from doing the same at the same time."""
    async with connect(server) as connection:
        await connection.execute(f"SET lock_timeout = '{LOCK_LIMIT}'")
        try:
            await connection.execute(f"SELECT pg_advisory_lock({LOCK_KEY})", timeout=90)
        except (asyncpg.LockNotAvailableError, TimeoutError) as error:
            raise LabError(
                f"Another kernel has been preparing databases at {server.address} for "
                f"{LOCK_LIMIT}. Try again in a moment."
            ) from error
        yield connection


def _fingerprint(role: str) -> str:
    # A clone of a template keeps the owner of its tables, so each role has a template of its own.
    digest = hashlib.sha256(role.encode("utf-8"))
    for file in sorted((project_root() / "data").iterdir()):
        if file.suffix in (".csv", ".sql"):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _name_of(pid: int, started: float, kind: str = "kernel") -> str:
    return f"lab_{kind}_{_this_clone()}_{pid}_{int(started)}"


def _is_this_clones(database: str) -> bool:
    return re.fullmatch(rf"lab_(kernel|building)_{_this_clone()}_\d+_\d+", database) is not None


def _is_orphan(database: str) -> bool:
    if not _is_this_clones(database):
        return False
    pid, started = database.split("_")[-2:]
    return not is_alive({"pid": pid, "started": float(started)})


def _this_clone() -> str:
    """Return a short random name of this clone on this machine, made once."""
    file = state_folder() / "clone_name"
    if not file.exists():
        make_folder(state_folder())
        half = Path(f"{file}.{os.getpid()}")
        half.write_text(secrets.token_hex(3), encoding="utf-8")
        half.replace(file)
    return file.read_text(encoding="utf-8")
