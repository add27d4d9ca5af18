"""A disk that is full is named, whatever PostgreSQL's programs say after they have noticed it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labsupport.errors import LabError, cannot_write
from labsupport.postgres.binaries import find_binaries
from labsupport.postgres.cluster import Cluster

FULL = os.strerror(errno.ENOSPC)
INITDB = f"""\
creating configuration files ... ok
running bootstrap script ... FATAL:  could not write to file "pg_wal/1": {FULL}
child process exited with exit code 1
initdb: removing data directory "/data"
initdb: done
"""
LOG = f"""\
PANIC:  could not write to file "pg_wal/xlogtemp.212": {FULL}
LOG:  startup process (PID 212) was terminated by signal 6: Aborted
LOG:  terminating any other active server processes
LOG:  shutting down due to startup process failure
LOG:  database system is shut down
"""


@pytest.fixture
def cluster(home: Path) -> Cluster:
    """A folder without a server."""
    return Cluster(home / "full", find_binaries({}))


def fails(monkeypatch: pytest.MonkeyPatch, says: str, log: Path | None = None) -> None:
    """Let PostgreSQL's programs fail as they do on a full disk."""

    def run(command: list[str], *, stdout: Any, **more: Any) -> subprocess.CompletedProcess[str]:
        stdout.write(says.encode())
        if log is not None:
            log.write_text(LOG, encoding="utf-8")
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr("labsupport.postgres.cluster.subprocess.run", run)


def test_initdb_on_a_full_disk(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(monkeypatch, INITDB)
    with pytest.raises(LabError, match=rf"{FULL}.* Free about 1 GB of that disk"):
        cluster.make()


def test_a_server_that_dies_of_a_full_disk(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.data.mkdir(parents=True)
    fails(monkeypatch, "pg_ctl: could not start server", log=cluster.log)
    with pytest.raises(LabError, match="There is no room for PostgreSQL's data in .* Free about"):
        cluster.start()


def test_a_disk_that_was_full_once_is_not_blamed_for_a_port_that_is_taken(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.data.mkdir(parents=True)
    cluster.log.write_text(LOG, encoding="utf-8")
    codes = [1, 0]

    def run(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        with cluster.log.open("a", encoding="utf-8") as log:
            log.write("LOG:  could not bind IPv4 address\n")
        return subprocess.CompletedProcess(command, codes.pop(0))

    monkeypatch.setattr("labsupport.postgres.cluster.subprocess.run", run)
    assert cluster.start() > 0
    assert codes == []


def test_a_copy_that_does_not_fit() -> None:
    reasons = [(f"/from/{n}", f"/to/{n}", f"[Errno 28] {FULL}: '/to/{n}'") for n in range(50)]
    said = str(cannot_write("/to", shutil.Error(reasons), "Do that."))
    assert said == f"There is no room for /to ([Errno 28] {FULL}: '/to/0'). " + (
        "Free about 1 GB of that disk and try again."
    )
