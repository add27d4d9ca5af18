"""A server that is far away: a proxy on loopback through which everything passes late.

What it does and does not do:

- Each way takes half the round trip longer. On a busy Linux machine with 2 cores half of the
  messages came at most 0.3 ms later than that, 95 of 100 at most 1 ms, and some a few ms.
- The delay limits no throughput, because all that is under way is held, in its order. The proxy's
  own work does: that machine carried 4,000 requests a second through it, and 8,600 without it.
- The TCP handshake is not delayed, because the proxy answers it before the server has heard of
  the client. A real distance costs every new connection one round trip more than is counted here.
- A server that is down lets the client connect and then closes, where a real one refuses.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from labsupport.errors import LabError
from labsupport.postgres.held_process import HeldProcess
from labsupport.postgres.server import ConnectionArguments, Server
from labsupport.postgres.traffic import Counts, Trace, trace_of

__all__ = ["Counting", "Distant", "Recording", "distant"]

START_LIMIT = 60
ANSWER_LIMIT = 30
LONGEST = 10.0


@contextlib.asynccontextmanager
async def distant(server: Server, round_trip: float = 0.005) -> AsyncIterator[Distant]:
    """Put a distance of `round_trip` seconds between this machine and `server`.

    Use it as `async with distant(server, round_trip=0.005) as far` and connect with
    `far.arguments()`. At the end all its connections are cut. Raises ValueError for a round trip
    below 0 or above 10 s, `LabError` when the proxy does not start.
    """
    delay = _delay(round_trip)
    arguments = (server.host, str(server.port), repr(delay))
    process = await asyncio.to_thread(
        HeldProcess, "labsupport.postgres.proxy_process", *arguments, start_limit=START_LIMIT
    )
    try:
        port = int(process.first_words["port"])
        yield Distant(replace(server, host="127.0.0.1", port=port), process)
    finally:
        await asyncio.to_thread(process.close)


@dataclass(frozen=True)
class Distant:
    """A running delay proxy. Its methods raise `LabError` when it does not answer."""

    server: Server
    """The server as it is seen through the proxy."""
    process: HeldProcess = field(repr=False)

    def arguments(
        self, database: str | None = None, application_name: str = "connection-pooling-lab"
    ) -> ConnectionArguments:
        """Return keyword arguments for `asyncpg.connect`, as `Server.arguments` does."""
        return self.server.arguments(database, application_name)

    async def set_round_trip(self, seconds: float) -> None:
        """Change the distance, for what is sent from now on. Raises ValueError as `distant`."""
        await self._ask("set_delay", seconds=_delay(seconds))

    async def counts(self) -> Counts:
        """Return what has passed since the proxy was started."""
        said = await self._ask("counts")
        by_connection = {int(number): int(count) for number, count in sorted(said["round_trips"])}
        return Counts(
            round_trips=sum(by_connection.values()),
            per_connection=by_connection,
            opened=int(said["opened"]),
            open=int(said["open"]),
            swallowed=int(said["swallowed"]),
        )

    @contextlib.asynccontextmanager
    async def counting(self) -> AsyncIterator[Counting]:
        """Count what passes inside the block: `async with far.counting() as seen`."""
        before = await self.counts()
        seen = Counting()
        yield seen
        after = await self.counts()
        grown = {
            number: count - before.per_connection.get(number, 0)
            for number, count in after.per_connection.items()
        }
        seen.per_connection = {number: count for number, count in grown.items() if count}
        seen.round_trips = after.round_trips - before.round_trips
        seen.opened = after.opened - before.opened

    async def cut(self) -> int:
        """Cut all connections, and return how many; new ones can be made."""
        return int((await self._ask("cut"))["cut"])

    async def silent(self) -> None:
        """Let nothing pass until `speak`, as a network that has gone away; no side is told.

        What is sent meanwhile is held back and not lost, as TCP does. New connections are
        accepted, and hear nothing.
        """
        await self._ask("silent")

    async def speak(self) -> None:
        """Deliver what was held back, and go on."""
        await self._ask("speak")

    async def swallow_next(self, marker: str | bytes) -> None:
        """Lose the server's next reply that holds `marker`, and cut its connection.

        The server has done the work by then, and the client never learns of it. `marker` is
        looked for in the bytes of an unencrypted connection, such as "INSERT 0 1". Raises
        ValueError when it is empty.
        """
        wanted = marker.encode("utf-8") if isinstance(marker, str) else marker
        if not wanted:
            raise ValueError('marker is empty. Name a part of the reply, such as "INSERT 0 1".')
        await self._ask("swallow_next", marker=wanted.hex())

    @contextlib.asynccontextmanager
    async def trace(self) -> AsyncIterator[Recording]:
        """Record what passes inside the block: `async with far.trace() as recording`.

        `recording.trace` is there after the block, without what is still under way then. Blocks
        may not be inside one another.
        """
        await self._ask("start_trace")
        recording = Recording()
        try:
            yield recording
        finally:
            recording.finish(trace_of(await self._ask("stop_trace")))

    async def _ask(self, order: str, **details: Any) -> dict[str, Any]:
        return await asyncio.to_thread(self.process.ask, order, ANSWER_LIMIT, **details)


@dataclass
class Counting:
    """What has passed inside a block of `Distant.counting`; all 0 until the block has ended."""

    round_trips: int = 0
    """On all connections."""
    per_connection: dict[int, int] = field(default_factory=dict)
    """Of each connection that had any, by its number."""
    opened: int = 0
    """How many connections were opened."""


class Recording:
    """What a block of `Distant.trace` has recorded."""

    def __init__(self) -> None:
        self._trace: Trace | None = None

    def finish(self, trace: Trace) -> None:
        """Take the trace at the end of the block."""
        self._trace = trace

    @property
    def trace(self) -> Trace:
        """The trace. Raises `LabError` inside the block, when it is not complete."""
        if self._trace is None:
            raise LabError("The trace is complete when its `async with` block has ended.")
        return self._trace


def _delay(round_trip: float) -> float:
    """Seconds for each way. Raises ValueError."""
    if not 0 <= round_trip <= LONGEST:
        raise ValueError(
            f"round_trip is {round_trip!r}. It is in seconds: from 0 to {LONGEST:g}, "
            "such as 0.005 for 5 ms."
        )
    return round_trip / 2
