"""A process that starts a server and stops it when the process that asked for it is gone.

Whoever wants a server starts a guard and holds the guard's standard input. When that input
closes, because the holder is done or was killed, the guard stops the server. So a killed
kernel leaves no server behind, on any platform.

This module is the holder's side; `guard_process` is the guard itself.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from typing import Any

from labsupport.errors import LabError
from labsupport.places import project_root
from labsupport.postgres.cluster import Cluster

__all__ = ["Guard"]

START_LIMIT = 120
STOP_LIMIT = 60
LOOK_EVERY = 0.5


class Guard:
    """The holder's side: a server that lives until `stop`, or until this process ends."""

    def __init__(self, cluster: Cluster, preferred_port: int = 0, throwaway: bool = False) -> None:
        """Start the server of `cluster`. With `throwaway` its folder is deleted at the end.

        Raises `LabError` when the server does not start.
        """
        command = [sys.executable, "-m", "labsupport.postgres.guard_process", str(cluster.folder)]
        command += [str(cluster.binaries.folder), cluster.binaries.label]
        command += ["--port", str(preferred_port)] + ["--throwaway"] * throwaway
        self.cluster = cluster
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=project_root(),
            start_new_session=True,
        )
        said = self._first_line()
        if "error" in said:
            self._process.wait(STOP_LIMIT)
            raise LabError(str(said["error"]))
        self.port = int(said["port"])
        self.pid = int(said["pid"])
        """Process id of the server."""

    def ended(self) -> bool:
        """Whether the guard, and so its server, has ended."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Stop the server and wait for it, with a limit."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_LIMIT)
        # The guard itself may have been killed.
        self.cluster.stop(self.pid)

    def _first_line(self) -> dict[str, Any]:
        lines: list[bytes] = []
        assert self._process.stdout is not None
        reader = threading.Thread(
            target=lambda stream: lines.append(stream.readline()),
            args=(self._process.stdout,),
            daemon=True,
        )
        reader.start()
        reader.join(START_LIMIT)
        if lines and lines[0].strip():
            return dict(json.loads(lines[0]))
        self._process.kill()
        return {"error": f"PostgreSQL did not start within {START_LIMIT} s. See its log."}
