"""What closing a pool found: which connections nobody had given back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import asyncpg

__all__ = ["CloseReport", "Unreturned"]


@dataclass(frozen=True)
class Unreturned:
    """A connection that was still lent out when the time to close was up."""

    pid: int | None
    """The backend's process id, as in `pg_stat_activity`; None when the connection was broken."""
    held_seconds: float
    where: str
    """Who borrowed it and where: known when a `LeakWatch` stands beside the pool, else empty."""

    @classmethod
    def of(cls, conn: Any, held_seconds: float, where: list[str]) -> Unreturned:
        """Describe a connection lent out `held_seconds` ago; `where`: what observers know."""
        try:
            pid = conn.get_server_pid()
        except asyncpg.InterfaceError:  # It broke while it was lent out.
            pid = None
        return cls(pid, held_seconds, "; ".join(filter(None, where)))

    def __str__(self) -> str:
        where = f" Borrowed by {self.where}" if self.where else ""
        return f"Backend {self.pid} was held for {self.held_seconds:.1f} s.{where}"


@dataclass(frozen=True)
class CloseReport:
    """How a pool was closed. Printing it gives sentences."""

    seconds: float = 0.0
    """How long closing took."""
    refused: int = 0
    """How many requests still waited for a connection and were told `PoolClosed`."""
    left: tuple[Unreturned, ...] = ()
    """The connections that did not come back in time and were terminated."""
    graceful: bool = True
    """Whether every connection came back and said goodbye; False when some were terminated."""

    def __str__(self) -> str:
        how = "in good order" if self.graceful else "by terminating what was left"
        first = f"Closed {how} after {self.seconds:.1f} s."
        if self.refused:
            first += f" Requests that still waited and were refused: {self.refused}."
        return "\n".join([first, *map(str, self.left)])
