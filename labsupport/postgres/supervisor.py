"""The detached process that owns the embedded server and stops it when nobody uses it.

It outlives the kernel that started it, so that all notebooks share one server. It ends, and the
server with it, when it is asked to, when the server dies, or after an hour without sessions.

Run as `python -m labsupport.postgres.supervisor FOLDER PROGRAMS LABEL IDLE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import asyncpg
import filelock

from labsupport.errors import LabError
from labsupport.postgres.binaries import binaries_of
from labsupport.postgres.cluster import REMAKE, Cluster
from labsupport.postgres.guard import Guard
from labsupport.postgres.roles import create_lab_role, superuser_arguments
from labsupport.postgres.status import STATUS, STOP_REQUEST, write_status

__all__ = ["main", "supervise"]

LOCK = "supervisor.lock"
LOOK_EVERY = 0.5
CLIENT_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


async def supervise(cluster: Cluster, idle_seconds: float) -> None:
    """Start the server, tell where it is in `server.json`, and keep it while it is wanted."""
    guard = Guard(cluster, preferred_port=_last_port(cluster.folder))
    try:
        await create_lab_role(cluster, guard.port)
        (cluster.folder / "port").write_text(str(guard.port), encoding="utf-8")
        write_status(cluster.folder, guard.port)
        await _keep(cluster, guard, idle_seconds)
    finally:
        guard.stop()
        (cluster.folder / STATUS).unlink(missing_ok=True)


async def _keep(cluster: Cluster, guard: Guard, idle_seconds: float) -> None:
    used = time.monotonic()
    asked = used
    ask_every = min(30.0, idle_seconds / 4)
    while not guard.ended() and not (cluster.folder / STOP_REQUEST).exists():
        await asyncio.sleep(LOOK_EVERY)
        now = time.monotonic()
        if now - asked >= ask_every:
            asked = now
            used = now if await _sessions(cluster, guard.port) else used
        if now - used >= idle_seconds:
            return


async def _sessions(cluster: Cluster, port: int) -> int:
    # A server that cannot answer is in use; one that has died ends the guard, which is seen above.
    try:
        async with asyncio.timeout(15):
            connection = await asyncpg.connect(**superuser_arguments(cluster, port))
            try:
                return int(await connection.fetchval(CLIENT_SESSIONS))
            finally:
                await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return 1


def _last_port(folder: Path) -> int:
    try:
        return int((folder / "port").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def main() -> int:
    """Supervise the server of the folder that the command line names; one supervisor a folder."""
    folder, programs, label, idle_seconds = sys.argv[1:]
    cluster = Cluster(Path(folder), binaries_of(Path(programs), label))
    try:
        with filelock.FileLock(cluster.folder / LOCK, timeout=30):
            (cluster.folder / STOP_REQUEST).unlink(missing_ok=True)
            asyncio.run(supervise(cluster, float(idle_seconds)))
    except asyncpg.InvalidAuthorizationSpecificationError:
        said = f"The passwords in {cluster.folder} are not those of its server. {REMAKE}"
        print(said, file=sys.stderr)
        return 1
    except (LabError, filelock.Timeout) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
