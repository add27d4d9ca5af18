"""The embedded server that all kernels of this clone share: start it, look at it, stop it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from labsupport.errors import LabError
from labsupport.places import project_root, state_folder
from labsupport.postgres.account import cannot_keep_state, make_folder
from labsupport.postgres.binaries import Binaries, binaries_of, find_binaries
from labsupport.postgres.cluster import REMAKE, Cluster
from labsupport.postgres.roles import lab_server
from labsupport.postgres.server import Server
from labsupport.postgres.settings import read_settings
from labsupport.postgres.status import STATUS, STOP_REQUEST, read_status

__all__ = ["EmbeddedStatus", "StopReport", "embedded_status", "ensure_embedded", "stop_embedded"]

START_LIMIT = 90
IDLE_SECONDS = 3600.0


@dataclass(frozen=True)
class EmbeddedStatus:
    """One running embedded server of this clone."""

    address: str
    supervisor_pid: int
    server_pid: int | None
    folder: Path


@dataclass(frozen=True)
class StopReport:
    """What `stop_embedded` stopped, as sentences."""

    stopped: list[str]


def ensure_embedded(
    report: Callable[[str], None] = lambda line: None, settings: Mapping[str, str] | None = None
) -> Server:
    """Return the running embedded server; start it, and make its data folder, when needed.

    It blocks for a few seconds at the first start. Raises `LabError` when it does not start.
    """
    settings = read_settings() if settings is None else settings
    try:
        return _ensure(report, settings)
    except OSError as error:
        raise cannot_keep_state(error) from error


def _ensure(report: Callable[[str], None], settings: Mapping[str, str]) -> Server:
    idle_seconds = _idle_seconds(settings)
    make_folder(state_folder())
    binaries = find_binaries(settings)
    cluster = Cluster(_folder(binaries), binaries)
    make_folder(cluster.folder)
    with _starting_alone(cluster.folder, report):
        # A server whose data were deleted while it runs is of no use; it ends by itself.
        port = _running_port(cluster.folder) if cluster.data.is_dir() else None
        if port is None:
            if not cluster.is_made:
                report(f"Making a data folder for PostgreSQL {binaries.major} ...")
            cluster.stop()
            cluster.make()
            report(f"Starting PostgreSQL {binaries.major} ...")
            port = _start_supervisor(cluster, idle_seconds)
    return lab_server(cluster, port, where="embedded")


def embedded_status() -> list[EmbeddedStatus]:
    """Return the embedded servers of this clone that run now: one for each major version used."""
    found = []
    for folder in sorted(state_folder().glob(f"servers/*/{STATUS}")):
        written = read_status(folder.parent)
        if written is not None:
            cluster = Cluster(folder.parent, Binaries(Path(), "", from_wheel=True))
            found.append(
                EmbeddedStatus(
                    address=f"127.0.0.1:{written['port']}",
                    supervisor_pid=int(written["supervisor"]["pid"]),
                    server_pid=cluster.postmaster(),
                    folder=folder.parent,
                )
            )
    return found


def stop_embedded() -> StopReport:
    """Stop every embedded server of this clone, and what killed ones have left behind."""
    stopped = []
    for folder in sorted(state_folder().glob("servers/*/")):
        cluster = Cluster(folder, _programs_again(folder))
        with _starting_alone(cluster.folder, lambda line: None):
            port = _running_port(cluster.folder)
            was_there = cluster.postmaster()
            if port is not None:
                (cluster.folder / STOP_REQUEST).touch()
                _wait_for_supervisor(cluster.folder)
            cluster.stop()
            if was_there is not None or port is not None:
                name = f"PostgreSQL {cluster.binaries.major}"
                stopped.append(f"{name} at 127.0.0.1:{port}" if port else f"{name} (left behind)")
    return StopReport(stopped)


def _programs_again(folder: Path) -> Binaries:
    """Return the programs that made the data in `folder`, whatever the settings say now."""
    try:
        programs = Path((folder / "programs").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        # Nobody knows which they were: a server that still runs is ended without them.
        programs = folder
    return binaries_of(programs, folder.name)


def _folder(binaries: Binaries) -> Path:
    return state_folder() / "servers" / binaries.label


def _idle_seconds(settings: Mapping[str, str]) -> float:
    text = settings.get("LAB_IDLE_SECONDS", "").strip() or str(IDLE_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise LabError(f"LAB_IDLE_SECONDS is {text!r}. Write a number of seconds, such as 3600.")
    return seconds


@contextlib.contextmanager
def _starting_alone(folder: Path, report: Callable[[str], None]) -> Iterator[None]:
    lock = filelock.FileLock(folder / "start.lock")
    try:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            report("Another process is starting or stopping PostgreSQL; waiting for it ...")
            lock.acquire(timeout=START_LIMIT + 30)
    except filelock.Timeout as error:
        raise LabError(
            f"Another process has been starting PostgreSQL for {START_LIMIT + 30} s. Look at "
            f"{folder / 'supervisor.log'}, end that process and try again."
        ) from error
    except OSError as error:
        raise cannot_keep_state(error) from error
    try:
        yield
    finally:
        lock.release()


def _running_port(folder: Path) -> int | None:
    # A supervisor whose server has just died still needs a moment to notice and to end.
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        written = read_status(folder)
        if written is None:
            return None
        if _listens(int(written["port"])):
            return int(written["port"])
        time.sleep(0.2)
    return None


def _start_supervisor(cluster: Cluster, idle_seconds: float) -> int:
    folder = cluster.folder
    (folder / "programs").write_text(str(cluster.binaries.folder), encoding="utf-8")
    (folder / STATUS).unlink(missing_ok=True)
    command = [sys.executable, "-m", "labsupport.postgres.supervisor", str(folder)]
    command += [str(cluster.binaries.folder), cluster.binaries.label, str(idle_seconds)]
    with (folder / "supervisor.log").open("w", encoding="utf-8") as log:
        supervisor = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(project_root()), "PYTHONUTF8": "1"},
            **_detached(),
        )
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline and supervisor.poll() is None:
        written = read_status(folder)
        if written is not None:
            return int(written["port"])
        time.sleep(0.05)
    supervisor.kill()
    lines = (folder / "supervisor.log").read_text(encoding="utf-8").strip().splitlines()
    said = lines[-1].rstrip(".") if lines else f"PostgreSQL did not start; look into {folder}"
    raise LabError(f"{said}." if REMAKE[:-1] in said else f"{said}. If it stays so: {REMAKE}")


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_for_supervisor(folder: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        written = read_status(folder)
        if written is None:
            return
        time.sleep(0.1)
