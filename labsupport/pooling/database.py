"""Queries on pooled connections, in one call each or together in a transaction."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg

from .exceptions import NestedAcquire
from .pool import DatabasePool

__all__ = ["PooledDatabase"]

logger = logging.getLogger(__name__)

_HOLDING: WeakKeyDictionary[DatabasePool, set[asyncio.Task[Any]]] = WeakKeyDictionary()
"""The tasks that hold a connection of each pool. They stand here because a program may make a
new `PooledDatabase` of the same pool for each request."""


class PooledDatabase:
    """Runs queries on the connections of a pool.

        db = PooledDatabase(pool)
        count = await db.execute_single("SELECT count(*) FROM users")

    A task that holds a connection and asks for a second one of the same pool gets
    `NestedAcquire` at once. If it had to wait for it, enough such tasks would each hold one
    connection and wait for another for ever. Handing out the same connection again would avoid
    that too, but it would put the inner query silently into the outer transaction. So pass the
    connection that you have to whatever needs it. Each task may hold one.
    """

    def __init__(self, pool: DatabasePool) -> None:
        self.pool = pool
        self._holding = _HOLDING.setdefault(pool, set())

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a connection to this task for the length of an `async with` block.

        It goes back whatever happens in the block, also when the task is cancelled. Exceptions
        of the block are the caller's: they pass through and nothing is logged about them.
        Raises what `DatabasePool.acquire` raises, and NestedAcquire.
        """
        task = asyncio.current_task()
        if task is None or task in self._holding:
            raise NestedAcquire(
                "This task holds a connection already. Use that one for the inner queries too, "
                "or leave its block first."
            )
        self._holding.add(task)
        try:
            async with self.pool.acquire() as conn:
                yield conn
        finally:
            self._holding.discard(task)

    async def execute_query(self, query: str, *args: Any) -> list[Any]:
        """Return all rows of a query."""
        async with self.connection() as conn:
            with _logging_errors(query):
                return list(await conn.fetch(query, *args))

    async def execute_single(self, query: str, *args: Any) -> Any:
        """Return the first value of the first row; None when there is no row."""
        async with self.connection() as conn:
            with _logging_errors(query):
                return await conn.fetchval(query, *args)

    async def execute_transaction(
        self, queries: Sequence[tuple[str, Sequence[Any]]]
    ) -> list[list[Any]]:
        """Run (query, parameters) pairs in one transaction; return the rows of each.

        All of them happen, or none. When one query needs a key that another one makes, write
        both as one statement, so that it is this row's key and no other's:

            WITH person AS (INSERT INTO users (name, email) VALUES ($1, $2) RETURNING id)
            INSERT INTO profiles (user_id, bio) SELECT id, $3 FROM person RETURNING user_id
        """
        results = []
        async with self.connection() as conn, conn.transaction():
            for query, parameters in queries:
                with _logging_errors(query):
                    results.append(list(await conn.fetch(query, *parameters)))
        return results


@contextmanager
def _logging_errors(query: str) -> Iterator[None]:
    """Log what goes wrong with a query, without its parameters, and let it pass."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        logger.error("Database error: %r in: %s", error, query)
        raise
