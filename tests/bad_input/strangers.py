"""Servers that are not what the lab needs: an old PostgreSQL, and something else altogether."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator

__all__ = ["listening", "speak_http", "speak_old_postgres"]

Speaker = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SSL_REQUEST = 80877103
REFUSAL = b'SERROR\0C42703\0Mcolumn "backend_type" does not exist\0\0'
"""What PostgreSQL 9.6 says to the lab's question about itself."""


@contextlib.contextmanager
def listening(speak: Speaker) -> Iterator[int]:
    """Listen on a free port of loopback, speak with whoever comes, and yield the port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(speak, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.run_until_complete(_end_the_rest())
        loop.close()


async def _end_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as a web server does to what it does not understand."""
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
    writer.close()


def speak_old_postgres(version: str) -> Speaker:
    """Let everybody in without a password, and refuse every query as one that is not understood.

    An old server does not know all that the lab asks. The messages are those of PostgreSQL's
    frontend/backend protocol 3.0.
    """

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await _let_in(reader, writer, version)
            while True:
                kind, length = struct.unpack("!ci", await reader.readexactly(5))
                await reader.readexactly(length - 4)
                if kind == b"X":  # Terminate
                    break
                if kind in b"SQ":  # Sync, Query
                    writer.write(_message(b"E", REFUSAL) + _message(b"Z", b"I"))
                await writer.drain()
        writer.close()

    return speak


async def _let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: str) -> None:
    while True:
        length, code = struct.unpack("!ii", await reader.readexactly(8))
        await reader.readexactly(length - 8)
        if code != SSL_REQUEST:
            break
        writer.write(b"N")
    writer.write(_message(b"R", struct.pack("!i", 0)))  # AuthenticationOk
    for name, value in {"server_version": version, "client_encoding": "UTF8"}.items():
        writer.write(_message(b"S", f"{name}\0{value}\0".encode()))
    writer.write(_message(b"K", struct.pack("!ii", 1, 1)) + _message(b"Z", b"I"))
    await writer.drain()


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
