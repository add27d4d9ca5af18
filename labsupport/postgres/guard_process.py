"""The guard itself: starts one server, waits until nobody wants it, stops it.

Run by `labsupport.postgres.guard.Guard` as `python -m labsupport.postgres.guard_process FOLDER
PROGRAMS LABEL [--port N] [--throwaway]`. The first line on standard output is JSON,
`{"port": ..., "pid": ...}` or `{"error": ...}`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import threading
from pathlib import Path

from labsupport.errors import LabError
from labsupport.postgres.binaries import binaries_of
from labsupport.postgres.cluster import Cluster

__all__ = ["main"]

LOOK_EVERY = 0.5


def main() -> int:
    """Start the server, tell where it is, wait until nobody wants it, stop it."""
    parser = argparse.ArgumentParser(description="Keep one PostgreSQL server for another process.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("programs", type=Path)
    parser.add_argument("label")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--throwaway", action="store_true")
    wanted = parser.parse_args()
    # Ctrl-C in the holder's terminal is the holder's business.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cluster = Cluster(wanted.folder, binaries_of(wanted.programs, wanted.label))
    try:
        port = cluster.start(wanted.port)
    except (LabError, OSError, subprocess.SubprocessError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        if wanted.throwaway:
            cluster.remove()
        return 1
    pid = cluster.postmaster()
    print(json.dumps({"port": port, "pid": pid}), flush=True)
    _wait_until_unwanted(cluster, pid)
    cluster.stop(pid)
    if wanted.throwaway:
        cluster.remove()
    return 0


def _wait_until_unwanted(cluster: Cluster, pid: int | None) -> None:
    closed = threading.Event()

    def read_to_the_end() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        closed.set()

    threading.Thread(target=read_to_the_end, daemon=True).start()
    while not closed.wait(LOOK_EVERY) and cluster.postmaster() == pid:
        pass


if __name__ == "__main__":
    raise SystemExit(main())
