"""A proxy between a client and a server that delays, cuts or swallows what passes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

__all__ = ["Proxy", "proxy"]


class Proxy:
    """Passes bytes between its clients and one server, and makes the faults that are asked for."""

    def __init__(self, host: str, port: int) -> None:
        self.delay = 0.0
        """Seconds by which each way is longer."""
        self.silent = False
        """While True nothing passes, and what comes is lost: a network that has gone away."""
        self.swallowed = 0
        """How many replies were swallowed."""
        self.accepted = 0
        """How many clients have connected."""
        self.host, self.port = "127.0.0.1", 0
        self._server_at = (host, port)
        self._marker = b""
        self._writers: set[asyncio.StreamWriter] = set()

    def swallow_next(self, marker: bytes) -> None:
        """Swallow the server's next reply that holds `marker`, and cut that connection.

        The server has done the work by then, and its client never learns of it.
        """
        self._marker = marker

    def cut(self) -> None:
        """Cut all connections."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        self.accepted += 1
        try:
            from_server, to_server = await asyncio.open_connection(*self._server_at)
        except OSError:
            to_client.transport.abort()
            return
        both = {to_client, to_server}
        self._writers |= both
        try:
            await asyncio.wait(
                {
                    asyncio.create_task(self._pass(from_client, to_server)),
                    asyncio.create_task(self._pass(from_server, to_client, replies=True)),
                }
            )
        finally:
            self._writers -= both
            for writer in both:
                writer.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, replies: bool = False
    ) -> None:
        """Pass one direction until it ends, and then end the other side of it."""
        waiting: deque[bytes] = deque()
        later = asyncio.get_running_loop().call_later
        try:
            while chunk := await reader.read(65536):
                if self.silent:
                    continue
                if replies and self._marker and self._marker in chunk:
                    self._marker = b""
                    self.swallowed += 1
                    break
                waiting.append(chunk)
                later(self.delay, lambda: writer.write(waiting.popleft()))
        except ConnectionError:
            pass
        later(self.delay, writer.close)


@asynccontextmanager
async def proxy(host: str, port: int) -> AsyncIterator[Proxy]:
    """A proxy on a free port of loopback before the server at `host` and `port`."""
    made = Proxy(host, port)
    server = await asyncio.start_server(made._serve, made.host, 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
