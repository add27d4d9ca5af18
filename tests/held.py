"""An async context manager that a fixture of wider scope than a test keeps open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

import asyncpg

from labsupport.postgres import OwnServer
from labsupport.postgres.roles import superuser_arguments

__all__ = ["as_superuser", "held"]

T = TypeVar("T")


@contextlib.contextmanager
def held(
    manager: AbstractAsyncContextManager[T], runner: asyncio.Runner | None = None
) -> Iterator[T]:
    """Enter and leave `manager` outside of any test's event loop, in `runner` if one is given."""
    with contextlib.ExitStack() as stack:
        loop = runner or stack.enter_context(asyncio.Runner())
        made = loop.run(manager.__aenter__())
        try:
            yield made
        finally:
            loop.run(manager.__aexit__(None, None, None))


async def as_superuser(own: OwnServer, *statements: str) -> None:
    """Run statements on a throwaway server, each by itself."""
    connection = await asyncpg.connect(**superuser_arguments(own.cluster, own.server.port))
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close(timeout=10)
