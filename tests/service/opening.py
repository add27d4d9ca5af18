"""A shop in the test's own process, so that a test sees its pool from the inside."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from labsupport.pooling import DatabaseSettings
from labsupport.postgres import Server

__all__ = ["SIZE", "WAITS", "opened"]

SIZE = 3
"""Connections of its pool."""
WAITS = 1.0
"""Seconds that it waits for one of them."""


@contextlib.asynccontextmanager
async def opened(kind: Any, server: Server, acquire_timeout: float = WAITS) -> AsyncIterator[Any]:
    """An open shop of this class; its sessions are called after the class."""
    fields = {name: getattr(server, name) for name in ("host", "port", "database", "user")}
    shop = kind(
        DatabaseSettings(
            _env_file=None,
            **fields,
            password=server.password,
            application_name=kind.__name__,
            pool_min_size=0,
            pool_max_size=SIZE,
            acquire_timeout=acquire_timeout,
        )
    )
    await shop.open()
    try:
        yield shop
    finally:
        await shop.pool.close(0.5)
