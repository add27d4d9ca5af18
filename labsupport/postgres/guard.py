"""A process that starts a server and stops it when the process that asked for it is gone.

Whoever wants a server starts a guard and holds the guard's standard input. When that input
closes, because the holder is done or was killed, the guard stops the server. So a killed
kernel leaves no server behind, on any platform.

This module is the holder's side; `guard_process` is the guard itself.
"""

from __future__ import annotations

from typing import Literal

from labsupport.postgres.cluster import Cluster
from labsupport.postgres.held_process import HeldProcess

__all__ = ["Guard"]

START_LIMIT = 120
ACT_LIMIT = 180
"""Seconds for a stop and a start, each of which has limits of its own."""


class Guard:
    """The holder's side: a server that lives until `stop`, or until this process ends."""

    def __init__(self, cluster: Cluster, preferred_port: int = 0, throwaway: bool = False) -> None:
        """Start the server of `cluster`.

        With `throwaway` the guard also stays while the server is down, so that `act` can start
        it again, and its folder is deleted at the end. Raises `LabError` when it does not start.
        """
        arguments = [str(cluster.folder), str(cluster.binaries.folder), cluster.binaries.label]
        arguments += ["--port", str(preferred_port)] + ["--throwaway"] * throwaway
        self.cluster = cluster
        self._process = HeldProcess(
            "labsupport.postgres.guard_process", *arguments, start_limit=START_LIMIT
        )
        self.port = int(self._process.first_words["port"])
        self.pid = int(self._process.first_words["pid"])
        """Process id of the server at its last start."""

    def ended(self) -> bool:
        """Whether the guard, and so its server, has ended."""
        return self._process.ended()

    def act(
        self, action: Literal["start", "stop", "restart", "crash"], as_standby: bool = False
    ) -> bool:
        """Start, stop, restart or crash the server; return whether one ran before.

        Only for a throwaway server. Raises `LabError` when it does not succeed.
        """
        answer = self._process.ask(action, ACT_LIMIT, as_standby=as_standby)
        self.pid = int(answer["pid"])
        return bool(answer["ran"])

    def stop(self) -> None:
        """Stop the server and the guard and wait for them, with a limit."""
        self._process.close()
        # The guard itself may have been killed.
        self.cluster.stop(self.pid)
