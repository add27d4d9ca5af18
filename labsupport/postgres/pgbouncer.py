"""PgBouncer: a program between clients and a server, which shares few sessions among many clients.

The real one is run, of this machine's packages, with a folder, a port and a life of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from labsupport.errors import LabError
from labsupport.places import state_folder
from labsupport.ports import free_port
from labsupport.postgres.account import (
    cannot_keep_state,
    give_to_server,
    make_folder,
    write_private,
)
from labsupport.postgres.held_process import HeldProcess
from labsupport.postgres.pgbouncer_files import LOG, SETTINGS, USERS, settings_text, users_text
from labsupport.postgres.server import ConnectionArguments, Server
from labsupport.postgres.settings import read_settings
from labsupport.postgres.status import is_alive, me

__all__ = ["HOW_TO_GET_PGBOUNCER", "Bouncer", "find_pgbouncer", "pgbouncer"]

PoolMode = Literal["session", "transaction", "statement"]

HOW_TO_GET_PGBOUNCER = (
    "There is no PgBouncer on this machine. Install it (`sudo apt-get install pgbouncer` on Debian "
    "and Ubuntu, `brew install pgbouncer` on macOS), or name its program in LAB_PGBOUNCER."
)
USUAL_PLACES = ("/usr/sbin/pgbouncer", "/opt/homebrew/bin/pgbouncer", "/usr/local/bin/pgbouncer")
"""Debian's is in a folder that stands in root's PATH only; JupyterLab may have been started
without the shell's PATH."""

START_LIMIT = 60
START_ATTEMPTS = 5
VERSION_LIMIT = 20
KEEPS_STATEMENTS_SINCE = (1, 21)


@dataclass(frozen=True)
class Bouncer:
    """A running PgBouncer."""

    server: Server
    """The server as it is seen through PgBouncer."""
    version: tuple[int, int]
    """Its version, such as (1, 24)."""
    folder: Path = field(repr=False)
    process: HeldProcess = field(repr=False)

    def arguments(
        self, database: str | None = None, application_name: str = "connection-pooling-lab"
    ) -> ConnectionArguments:
        """Return keyword arguments for `asyncpg.connect`, as `Server.arguments` does."""
        return self.server.arguments(database, application_name)

    @property
    def pid(self) -> int:
        """Process id of PgBouncer."""
        return int(self.process.first_words["pid"])

    def log(self) -> list[str]:
        """Return the lines of its log."""
        return (self.folder / LOG).read_text(encoding="utf-8", errors="replace").splitlines()


def find_pgbouncer(settings: Mapping[str, str] | None = None) -> Path | None:
    """Return PgBouncer's program: the one `LAB_PGBOUNCER` names, or else this machine's, or None.

    `settings` are those of the environment and of `.env` unless given. Raises `LabError` when
    `LAB_PGBOUNCER` names no program, and also when there is none and `LAB_NEEDS_PGBOUNCER` is 1,
    as in continuous integration, where rounds must not be left out unseen.
    """
    settings = read_settings() if settings is None else settings
    named = settings.get("LAB_PGBOUNCER", "").strip()
    if named:
        program = Path(named).expanduser()
        if not program.is_file():
            raise LabError(
                f"LAB_PGBOUNCER is {named!r}, and there is no such file. Name PgBouncer's program, "
                "or remove LAB_PGBOUNCER."
            )
        return program.resolve()
    for place in (shutil.which("pgbouncer"), *USUAL_PLACES):
        if place is not None and Path(place).is_file():
            return Path(place)
    if settings.get("LAB_NEEDS_PGBOUNCER", "").strip() == "1":
        raise LabError(f"{HOW_TO_GET_PGBOUNCER} LAB_NEEDS_PGBOUNCER is 1, so it is needed here.")
    return None


@contextlib.asynccontextmanager
async def pgbouncer(
    server: Server,
    *,
    pool_mode: PoolMode = "transaction",
    default_pool_size: int = 20,
    max_client_conn: int = 100,
    max_prepared_statements: int = 0,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Bouncer]:
    """Start a PgBouncer in front of `server`, on loopback, and end it afterwards.

    Use it as `async with pgbouncer(server, default_pool_size=8) as bouncer` and connect with
    `bouncer.arguments()`, as the role of `server`. `default_pool_size` sessions of the server are
    shared by up to `max_client_conn` clients; with `max_prepared_statements` above 0, which takes
    1.21 or newer, it remembers so many prepared statements for each session. `settings` are further
    lines of `pgbouncer.ini`. When this process is killed, PgBouncer ends by itself. Raises
    `LabError` when there is none or it does not start.
    """
    program = find_pgbouncer()
    if program is None:
        raise LabError(HOW_TO_GET_PGBOUNCER)
    version = await asyncio.to_thread(_version, program)
    lines = {
        "pool_mode": pool_mode,
        "default_pool_size": str(default_pool_size),
        "max_client_conn": str(max_client_conn),
        **_statements(version, max_prepared_statements),
        **(settings or {}),
    }
    _sweep()
    folder, port, process = await asyncio.to_thread(_start, program, server, lines)
    try:
        seen = replace(server, host="127.0.0.1", port=port, ssl_mode="disable", ssl_ca="")
        yield Bouncer(seen, version, folder, process)
    finally:
        await asyncio.to_thread(process.close)
        shutil.rmtree(folder, ignore_errors=True)


def _statements(version: tuple[int, int], most: int) -> dict[str, str]:
    """The setting for prepared statements; older versions refuse to start when they see it."""
    if version >= KEEPS_STATEMENTS_SINCE:
        return {"max_prepared_statements": str(most)}
    if most:
        raise LabError(
            f"PgBouncer {'.'.join(map(str, version))} does not know max_prepared_statements. "
            "Take 1.21 or newer, or leave it at 0."
        )
    return {}


def _version(program: Path) -> tuple[int, int]:
    """What it says of itself: the two numbers of "PgBouncer 1.24.1"."""
    try:
        said = subprocess.run(
            [program, "--version"], stdin=subprocess.DEVNULL, capture_output=True,
            encoding="utf-8", errors="replace", timeout=VERSION_LIMIT, check=False,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise LabError(f"{program} could not be run ({error}). Install PgBouncer anew.") from error
    found = re.search(r"PgBouncer (\d+)\.(\d+)", said, re.IGNORECASE)
    if found is None:
        raise LabError(f"{program} is no PgBouncer: it does not say its version.")
    return int(found[1]), int(found[2])


def _start(
    program: Path, server: Server, settings: Mapping[str, str]
) -> tuple[Path, int, HeldProcess]:
    """Start it on a free port, on another one when a program took that port meanwhile."""
    for _ in range(START_ATTEMPTS - 1):
        try:
            return _start_once(program, server, settings)
        except LabError as error:
            if "cannot listen" not in str(error):
                raise
    return _start_once(program, server, settings)


def _start_once(
    program: Path, server: Server, settings: Mapping[str, str]
) -> tuple[Path, int, HeldProcess]:
    folder, port = state_folder() / "pgbouncer" / secrets.token_hex(4), free_port()
    try:
        _write_files(folder, server, port, settings)
        process = HeldProcess(
            "labsupport.postgres.pgbouncer_process",
            *(str(program), str(folder), str(port)),
            start_limit=START_LIMIT,
        )
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise cannot_keep_state(error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder, port, process


def _write_files(folder: Path, server: Server, port: int, settings: Mapping[str, str]) -> None:
    """Make the folder, which is private to the user who runs PgBouncer, and the files in it."""
    make_folder(folder)
    (folder / "owner.json").write_text(json.dumps(me()), encoding="utf-8")
    give_to_server(folder)
    write_private(folder / SETTINGS, settings_text(server, folder, port, settings))
    write_private(folder / USERS, users_text(server))


def _sweep() -> None:
    """Remove the files of those whose owner and keeper were both killed: they hold a password."""
    for file in (state_folder() / "pgbouncer").glob("*/owner.json"):
        with contextlib.suppress(OSError, ValueError):
            if not is_alive(json.loads(file.read_text(encoding="utf-8"))):
                shutil.rmtree(file.parent, ignore_errors=True)
