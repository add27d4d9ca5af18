"""Have PostgreSQL ready before notebooks are opened or run, or say why that cannot be."""

from __future__ import annotations

from collections.abc import Callable

from labsupport.postgres import Server, ensure_template, find_server, inspect_server

__all__ = ["prepare_postgres"]


async def prepare_postgres(say: Callable[[str], None]) -> Server:
    """Find or start the server, load the sample data into it, and say where it is.

    Raises `LabError` when notebooks could not use it, whatever the reason.
    """
    server = await find_server(say)
    facts = await inspect_server(server)
    await ensure_template(server, say)
    where = "embedded" if server.where == "embedded" else "named by DB_HOST"
    say(f"PostgreSQL {facts.version} at {facts.address} ({where}) is ready.")
    return server
