"""TLS in front of a real PostgreSQL that speaks none: a relay with certificates of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from labsupport.postgres import Server

__all__ = ["TlsRelay", "tls_relay"]

SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


@dataclass
class TlsRelay:
    """A running relay and what it saw."""

    port: int
    encrypted: list[bool] = field(default_factory=list)
    """One entry for each session that got through to PostgreSQL."""
    client_certificates: list[object] = field(default_factory=list)


@asynccontextmanager
async def tls_relay(server: Server, context: ssl.SSLContext | None) -> AsyncIterator[TlsRelay]:
    """Listen on a port of loopback for as long as the block runs.

    A client that asks for TLS gets it with the certificate of `context`, or a refusal without
    one. What it says then goes to `server` as it is.
    """
    sessions: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        sessions.add(task)
        try:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await _serve(reader, writer, server, context, relay)
        finally:
            writer.close()
            sessions.discard(task)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    relay = TlsRelay(port=listener.sockets[0].getsockname()[1])
    try:
        yield relay
    finally:
        listener.close()
        for task in list(sessions):
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


async def _serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    server: Server,
    context: ssl.SSLContext | None,
    relay: TlsRelay,
) -> None:
    first = await reader.readexactly(8)
    encrypted = first == SSL_REQUEST and context is not None
    if first == SSL_REQUEST:
        writer.write(b"S" if encrypted else b"N")
        await writer.drain()
        if context is not None:
            await writer.start_tls(context)
        first = await reader.readexactly(8)
    relay.encrypted.append(encrypted)
    relay.client_certificates.append(writer.get_extra_info("peercert"))
    up_reader, up_writer = await asyncio.open_connection(server.host, server.port)
    up_writer.write(first)
    try:
        await asyncio.gather(_copy(reader, up_writer), _copy(up_reader, writer))
    finally:
        up_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
