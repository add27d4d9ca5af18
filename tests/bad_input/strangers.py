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
TEXT, INTEGER, BIGINT, BOOLEAN = 25, 23, 20, 16
OLD = {
    "version": (TEXT, b"13.14"),
    "version_num": (INTEGER, struct.pack("!i", 130014)),
    "max_connections": (INTEGER, struct.pack("!i", 100)),
    "superuser_reserved": (INTEGER, struct.pack("!i", 3)),
    "sessions": (BIGINT, struct.pack("!q", 1)),
    "may_create_databases": (BOOLEAN, b"\x01"),
    "role": (TEXT, b"lab"),
}
"""What a PostgreSQL 13 answers to the lab's question about itself: a type and a value each."""


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


async def speak_old_postgres(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let everybody in without a password, and answer every query with `OLD`.

    The messages are those of PostgreSQL's frontend/backend protocol 3.0.
    """
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        await _let_in(reader, writer)
        while True:
            kind, length = struct.unpack("!ci", await reader.readexactly(5))
            await reader.readexactly(length - 4)
            if kind == b"X":  # Terminate
                break
            writer.write(_answer(kind))
            await writer.drain()
    writer.close()


async def _let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        length, code = struct.unpack("!ii", await reader.readexactly(8))
        await reader.readexactly(length - 8)
        if code != SSL_REQUEST:
            break
        writer.write(b"N")
    writer.write(_message(b"R", struct.pack("!i", 0)))  # AuthenticationOk
    for name, value in {"server_version": "13.14", "client_encoding": "UTF8"}.items():
        writer.write(_message(b"S", f"{name}\0{value}\0".encode()))
    writer.write(_message(b"K", struct.pack("!ii", 1, 1)) + _message(b"Z", b"I"))
    await writer.drain()


def _answer(kind: bytes) -> bytes:
    columns = b"".join(
        name.encode() + struct.pack("!xihihih", 0, 0, oid, len(value), -1, 1)
        for name, (oid, value) in OLD.items()
    )
    values = b"".join(struct.pack("!i", len(value)) + value for _, value in OLD.values())
    count = struct.pack("!h", len(OLD))
    answers = {
        b"P": _message(b"1", b""),
        b"D": _message(b"t", struct.pack("!h", 0)) + _message(b"T", count + columns),
        b"B": _message(b"2", b""),
        b"E": _message(b"D", count + values) + _message(b"C", b"SELECT 1\0"),
        b"C": _message(b"3", b""),
        b"S": _message(b"Z", b"I"),
        b"Q": _message(b"C", b"SELECT 0\0") + _message(b"Z", b"I"),
    }
    return answers.get(kind, b"")


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
