"""What the delay proxy does: pass bytes between clients and one server late, and count them.

Each connection is a `Link` with two `End`s and two `Lane`s, one for each direction. A lane holds
what is under way, in its order, however much that is: so a delay makes each answer later and not
the connection slower. Time is the event loop's, in seconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from labsupport.postgres.messages import Dialogue, Message

__all__ = ["Relay"]

CONNECT_LIMIT = 10
MOST_UNDER_WAY = 16_000_000
"""Bytes in one lane from which the sender has to wait."""
TRACE_LIMIT = 20_000
"""Chunks that one trace holds."""


class Relay:
    """The proxy's state, which all its connections share."""

    def __init__(self, host: str, port: int, delay: float) -> None:
        """`delay` is in seconds, for each way."""
        self.server_at = (host, port)
        self.delay = delay
        self.silent = False
        self.marker = b""
        """A reply that holds this is swallowed; empty: none."""
        self.swallowed = 0
        self.opened = 0
        self.open: set[Link] = set()
        self.ended: list[tuple[int, int]] = []
        """Number and round trips of the connections that have ended."""
        self._trace: list[Any] | None = None
        self._unreadable: set[int] = set()
        self._trace_began = 0.0

    def accept(self) -> asyncio.Protocol:
        """Return what serves the next client."""
        self.opened += 1
        link = Link(self, self.opened)
        self.open.add(link)
        return link.client

    def swallow_next(self, marker: bytes) -> None:
        """Swallow the server's next reply that holds `marker`, and cut that connection."""
        self.marker = marker
        for link in self.open:
            link.last_bytes = b""

    def speak(self) -> None:
        """Let pass what was held back."""
        self.silent = False
        for link in list(self.open):
            link.up.move()
            link.down.move()

    def cut(self) -> int:
        """Cut all connections and return how many there were."""
        links = list(self.open)
        for link in links:
            link.cut()
        return len(links)

    def start_trace(self) -> None:
        """Forget the last trace and begin another."""
        self._trace = []
        self._unreadable = set()
        self._trace_began = asyncio.get_running_loop().time()

    def note(self, link: Link, to_server: bool, chunk: Chunk, arrived: float) -> None:
        """Note down a chunk that has arrived, if a trace is wanted and has room."""
        if self._trace is None or len(self._trace) > TRACE_LIMIT:
            return
        if not link.dialogue.readable:
            self._unreadable.add(link.number)
        began = self._trace_began
        said = [[one.name, one.letter, one.text, one.count] for one in chunk.messages]
        times = [chunk.sent - began, arrived - began]
        self._trace.append([link.number, to_server, *times, len(chunk.data or b""), said])

    def stop_trace(self) -> dict[str, Any]:
        """Return the chunks of the trace, whether it is whole, and who was encrypted."""
        chunks, self._trace = self._trace or [], None
        return {
            "chunks": chunks[:TRACE_LIMIT],
            "whole": len(chunks) <= TRACE_LIMIT,
            "unreadable": sorted(self._unreadable),
        }


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some bytes on their way."""

    data: bytes | None
    """None is the end: the sender has closed."""
    sent: float
    due: float
    messages: list[Message]


class Link:
    """One client, the server's side of its connection, and what passes between them."""

    def __init__(self, relay: Relay, number: int) -> None:
        self.relay = relay
        self.number = number
        self.round_trips = 0
        self.dialogue = Dialogue()
        self.last_bytes = b""
        """The end of the server's last words, while a reply is to be swallowed."""
        self.client = End(self)
        self.server = End(self)
        self.up = Lane(self, self.client, self.server)
        self.down = Lane(self, self.server, self.client)
        self._client_waits = False
        self._connecting: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Connect to the server; what the client says meanwhile waits in its lane."""
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                await loop.create_connection(lambda: self.server, *self.relay.server_at)
        except OSError:
            self.cut()

    def asked(self, data: bytes) -> list[Message]:
        """Read what the client has sent. If it had heard the server before, a round trip begins."""
        if not self._client_waits:
            self._client_waits = True
            self.round_trips += 1
        return self.dialogue.asked(data)

    def answered(self, data: bytes) -> list[Message] | None:
        """Read what the server has sent; None if it is to be swallowed."""
        relay = self.relay
        if relay.marker:
            seen = self.last_bytes + data
            if relay.marker in seen:
                relay.marker = b""
                relay.swallowed += 1
                return None
            self.last_bytes = seen[-len(relay.marker) :]
        return self.dialogue.answered(data)

    def heard(self) -> None:
        """Something of the server's has reached the client."""
        self._client_waits = False

    def cut(self) -> None:
        """End both connections now; what is under way is lost."""
        if self._connecting is not None:
            self._connecting.cancel()
        self.up.clear()
        self.down.clear()
        for end in (self.client, self.server):
            end.closed = True
            if end.transport is not None:
                end.transport.abort()
        self.check_end()

    def check_end(self) -> None:
        """Note that the link has ended, once both its connections have."""
        if self.client.closed and self.server.closed and self in self.relay.open:
            self.relay.open.remove(self)
            self.relay.ended.append((self.number, self.round_trips))


class End(asyncio.Protocol):
    """The connection to the client or to the server."""

    def __init__(self, link: Link) -> None:
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self.full = False
        """Whether it takes no more at the moment."""
        self._link = link

    @property
    def _lanes(self) -> tuple[Lane, Lane]:
        """The lane that begins here, and the one that ends here."""
        link = self._link
        return (link.up, link.down) if self is link.client else (link.down, link.up)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection; a client's is followed by one to the server."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.closed:
            transport.abort()
        elif self is self._link.client:
            self._link.begin()
        else:
            self._lanes[1].move()

    def data_received(self, data: bytes) -> None:
        """Send what has come on its way, unless it is a reply that is to be swallowed."""
        link = self._link
        messages = link.asked(data) if self is link.client else link.answered(data)
        if messages is None:
            link.cut()
        else:
            self._lanes[0].send(data, messages)

    def connection_lost(self, error: Exception | None) -> None:
        """Let the other end know, as late as everything else."""
        if not self.closed:
            self.closed = True
            self._lanes[0].send(None, [])
        self._link.check_end()

    def pause_writing(self) -> None:
        """Take no more for now."""
        self.full = True

    def resume_writing(self) -> None:
        """Take more again."""
        self.full = False
        self._lanes[1].move()


class Lane:
    """One direction of a link, and what is under way in it."""

    def __init__(self, link: Link, source: End, target: End) -> None:
        self._link = link
        self._source = source
        self._target = target
        self._under_way: deque[Chunk] = deque()
        self._bytes = 0
        self._last_due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def send(self, data: bytes | None, messages: list[Message]) -> None:
        """Take up what has come in, or with None the end of it."""
        now = asyncio.get_running_loop().time()
        # A delay that has become shorter lets nothing overtake.
        self._last_due = max(self._last_due, now + self._link.relay.delay)
        self._under_way.append(Chunk(data, now, self._last_due, messages))
        self._bytes += len(data or b"")
        if self._bytes > MOST_UNDER_WAY and self._source.transport is not None:
            self._source.transport.pause_reading()
        if self._timer is None:
            self.move()

    def move(self) -> None:
        """Deliver what is due, and come back when the next is."""
        self._stop_timer()
        loop = asyncio.get_running_loop()
        while self._under_way and self._target.transport and not self._is_held():
            due = self._under_way[0].due
            if due > loop.time():
                self._timer = loop.call_at(due, self.move)
                return
            self._deliver(self._target.transport, self._under_way.popleft(), loop.time())

    def clear(self) -> None:
        """Lose what is under way."""
        self._stop_timer()
        self._under_way.clear()

    def _is_held(self) -> bool:
        return self._link.relay.silent or self._target.full

    def _deliver(self, target: asyncio.Transport, chunk: Chunk, now: float) -> None:
        self._link.relay.note(self._link, self._target is self._link.server, chunk, now)
        if self._target is self._link.client:
            self._link.heard()
        if chunk.data is None:
            target.close()
        elif not target.is_closing():
            target.write(chunk.data)
        was_full, self._bytes = self._bytes > MOST_UNDER_WAY, self._bytes - len(chunk.data or b"")
        if was_full and self._bytes <= MOST_UNDER_WAY and self._source.transport is not None:
            self._source.transport.resume_reading()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
