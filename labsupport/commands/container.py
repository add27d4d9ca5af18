"""`test --container`: notebooks and the pool's tests on the PostgreSQL of `docker-compose.yml`.

The container, its port, its volume and its password are this run's own, so a learner's are not
touched; all of it is removed at the end, also after Ctrl-C.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from labsupport.commands.compose import Compose, require_engine
from labsupport.commands.leaving import server_left_as_found
from labsupport.commands.run_tests import PARTS, Part, run_part
from labsupport.errors import LabError
from labsupport.places import project_root
from labsupport.postgres import (
    Server,
    chosen_server,
    connect,
    ensure_template,
    inspect_server,
    read_settings,
)

__all__ = ["count_sessions", "major_of", "run_on_container", "watching_server"]

ANY_FREE_PORT = "0"
USER = "lab"
NOTEBOOKS = "notebooks"
"""The database that the tests log in to, and nobody else: its sessions are theirs."""
POOLING = Part("pooling", "the tests of the pool classes", ("tests/pooling", "--durations=10"))
REACHED = ("-p", "tests.reached_server")
"""Has a notebook fail that opens no session there, so that not one of them can run elsewhere."""
NAMED = {"LAB_TEST_SERVER": "named"}
"""Has the pool's tests run on the server that DB_* name; see `tests/pooling/conftest.py`."""
SESSIONS = "SELECT sessions FROM pg_stat_database WHERE datname = $1"
INSIDE = "SELECT inet_server_port()"


def run_on_container() -> int:
    """Bring the container up, check it, run notebooks and tests on it, and take it down.

    Returns 0, or 1 when one of them failed. Raises `LabError` with a sentence when there is no
    engine, no image, or a container that is not what the compose file says.
    """
    require_engine()
    password = secrets.token_urlsafe(18)
    compose = Compose(
        f"connection-pooling-lab-test-{secrets.token_hex(4)}",
        {"DB_PORT": ANY_FREE_PORT, "DB_USER": USER, "DB_PASSWORD": password, "DB_NAME": NOTEBOOKS},
    )
    image = compose.image()
    major = major_of(image)
    lines: list[str] = []
    compose.fetch(image)
    try:
        print(f"\n[1/3] container: {image}, project {compose.project}", flush=True)
        with _timed(lines, "container up and checked"):
            environment = _lab_settings(compose.up(), password)
            server = watching_server(environment)
            asyncio.run(_check(server, major))
        lessons = len(list((project_root() / "notebooks").glob("*.ipynb")))
        with server_left_as_found():
            passed = [
                _run_there(_notebooks(), "[2/3]", environment, server, lessons, lines),
                _run_there(POOLING, "[3/3]", {**environment, **NAMED}, server, 100, lines),
            ]
    finally:
        print("\nRemoving the container and its volume ...", flush=True)
        with _timed(lines, "container removed"):
            compose.down()
    print("\n" + "\n".join(lines), flush=True)
    return 0 if all(passed) else 1


def major_of(image: str) -> int:
    """Return PostgreSQL's major version by an image's tag: 16 for `postgres:16.4-alpine`.

    Raises `LabError` when the tag does not begin with a number.
    """
    found = re.search(r":(\d+)[^:/]*$", image)
    if found is None:
        raise LabError(
            f"The image {image!r} names no major version, so it cannot be checked. "
            "Set LAB_PG_IMAGE_VERSION to a number such as 16 or 16.4."
        )
    return int(found[1])


def _lab_settings(address: str, password: str) -> dict[str, str]:
    """Return every `DB_*` that the lab reads, so that nothing of a `.env` mixes in."""
    host, _, port = address.rpartition(":")
    return {
        "DB_HOST": host,
        "DB_PORT": port,
        "DB_USER": USER,
        "DB_PASSWORD": password,
        "DB_NAME": NOTEBOOKS,
        "DB_SSL_MODE": "disable",
        "DB_SSL_CA": "",
    }


def _notebooks() -> Part:
    """Return the part `notebooks`, each of which has to reach the container."""
    notebooks = next(part for part in PARTS if part.name == "notebooks")
    return replace(notebooks, arguments=(*notebooks.arguments, *REACHED))


def watching_server(environment: Mapping[str, str]) -> Server:
    """Return the server as the notebooks will find it, but with another database to log in to.

    So that who looks at their sessions adds none. Raises `LabError` when `DB_*` name none.
    """
    server = chosen_server(read_settings({**os.environ, **environment}))
    if server is None:
        raise LabError("No server is named: set DB_HOST to the one to watch.")
    return replace(server, database="postgres")


async def _check(server: Server, major: int) -> None:
    """Raise `LabError` unless this is the container's server, of that version and with the data."""
    facts = await inspect_server(server)
    print(f"PostgreSQL {facts.version} at {facts.address}", flush=True)
    if server.host != "127.0.0.1":
        raise LabError(f"The container listens on {facts.address}, and it must on 127.0.0.1 only.")
    if facts.version_num // 10000 != major:
        raise LabError(
            f"{facts.address} is PostgreSQL {facts.version}, and the image's is {major}."
        )
    async with connect(server) as connection:
        # A server of this machine itself would listen on the port that we connected to.
        if await connection.fetchval(INSIDE) == server.port:
            raise LabError(f"The server at {facts.address} is not the one in the container.")
    loaded: list[str] = []
    template = await ensure_template(server, loaded.append)
    if loaded:
        raise LabError(
            f"The container did not load the template {template} at its first start. "
            "Look at data/container/make_lab.sh."
        )


def _run_there(
    part: Part,
    place: str,
    environment: Mapping[str, str],
    server: Server,
    sessions: int,
    lines: list[str],
) -> bool:
    """Run a part on the container and return whether it passed.

    Raises `LabError` when it passed without opening at least so many `sessions` there.
    """
    print(f"\n{place} {part.name}: {part.does}", flush=True)
    before = asyncio.run(count_sessions(server))
    with _timed(lines, part.name):
        code = run_part(part, environment)
    if code != 0:
        lines.append(f"  FAILED (pytest's exit code {code})")
        return False
    opened = asyncio.run(count_sessions(server)) - before
    if opened < sessions:
        raise LabError(
            f"The part {part.name} passed, but only {opened} sessions reached the container: "
            "it ran on another server."
        )
    lines.append(f"  passed, with {opened} sessions that logged in to the container's database")
    return True


async def count_sessions(server: Server) -> int:
    """Return how many sessions were opened so far in the database that the tests log in to."""
    async with connect(server) as connection:
        return int(await connection.fetchval(SESSIONS, NOTEBOOKS))


@contextmanager
def _timed(lines: list[str], what: str) -> Iterator[None]:
    start = time.monotonic()
    try:
        yield
    finally:
        lines.append(f"  {what}: {time.monotonic() - start:.1f} s")
