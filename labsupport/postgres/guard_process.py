"""The guard itself: starts one server, waits until nobody wants it, stops it.

Run by `labsupport.postgres.guard.Guard` as `python -m labsupport.postgres.guard_process FOLDER
PROGRAMS LABEL [--port N] [--throwaway]`. Its first words are `{"port": ..., "pid": ...}` or
`{"error": ...}`. Then it hears `{"do": "start" | "stop" | "restart" | "crash"}`.
"""

from __future__ import annotations

import argparse
import contextlib
import queue
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labsupport.errors import LabError
from labsupport.ports import is_free
from labsupport.postgres.binaries import binaries_of
from labsupport.postgres.cluster import Cluster
from labsupport.postgres.held_process import listen_to_holder, tell_holder

__all__ = ["main"]

LOOK_EVERY = 0.5
PORT_LIMIT = 10
TROUBLE = (LabError, OSError, subprocess.SubprocessError)


@dataclass
class Kept:
    """The server that this guard keeps."""

    cluster: Cluster
    port: int
    pid: int
    """Process id of the server at its last start."""

    def act(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what the holder asks for. Raises `LabError` when it does not succeed."""
        action = request["do"]
        ran = self.cluster.postmaster() is not None
        if action == "start" and ran:
            raise LabError("The server runs already. Stop it first, or use restart().")
        if action == "crash":
            self.cluster.crash()
        elif action in ("stop", "restart"):
            self.cluster.stop()
        if action in ("start", "restart"):
            self._start(bool(request["as_standby"]))
        return {"pid": self.pid, "ran": ran}

    def _start(self, as_standby: bool) -> None:
        deadline = time.monotonic() + PORT_LIMIT
        while not is_free(self.port) and time.monotonic() < deadline:
            time.sleep(0.1)
        port = self.cluster.start(self.port, as_standby)
        if port != self.port:
            self.cluster.stop()
            raise LabError(
                f"Another program has taken the port {self.port} while the server was down. "
                "Run the cell that made the server again."
            )
        self.pid = self.cluster.postmaster() or 0


def main() -> int:
    """Start the server, tell where it is, wait until nobody wants it, stop it."""
    parser = argparse.ArgumentParser(description="Keep one PostgreSQL server for another process.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("programs", type=Path)
    parser.add_argument("label")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--throwaway", action="store_true")
    wanted = parser.parse_args()
    heard: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    listen_to_holder(heard.put)
    cluster = Cluster(wanted.folder, binaries_of(wanted.programs, wanted.label))
    try:
        port = cluster.start(wanted.port)
    except TROUBLE as error:
        tell_holder({"error": str(error)})
        if wanted.throwaway:
            cluster.remove()
        return 1
    kept = Kept(cluster, port, cluster.postmaster() or 0)
    tell_holder({"port": port, "pid": kept.pid})
    _keep(kept, heard, wanted.throwaway)
    cluster.stop(kept.pid)
    if wanted.throwaway:
        # A start that failed may have left a server that is not the last known one.
        cluster.stop()
        cluster.remove()
    return 0


def _keep(kept: Kept, heard: queue.SimpleQueue[dict[str, Any]], throwaway: bool) -> None:
    """Do what is asked until the holder is gone; one that is not `throwaway` dies with its server.

    Requests are done one after the other, so a holder that is killed in the middle of a start
    is noticed as soon as the server runs.
    """
    while throwaway or kept.cluster.postmaster() == kept.pid:
        request: dict[str, Any] | None = None
        with contextlib.suppress(queue.Empty):
            request = heard.get(timeout=LOOK_EVERY)
        if request == {}:
            return
        if request is not None:
            tell_holder(_answer(kept, request))


def _answer(kept: Kept, request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"number": request["number"], **kept.act(request)}
    except TROUBLE as error:
        return {"number": request["number"], "error": str(error)}


if __name__ == "__main__":
    raise SystemExit(main())
