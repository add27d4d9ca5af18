"""A ready-made gauge for `watch` and `live`: how many sessions the server has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["sessions_of"]

COUNT_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
  AND pid <> pg_backend_pid() AND ($1::text IS NULL OR application_name = $1)
"""


def sessions_of(
    connection: Any, application_name: str | None = None
) -> Callable[[], Awaitable[float]]:
    """Ask the server how many client sessions the connection's database has, but for its own.

    With `application_name`, only those of that name count. `connection` is an asyncpg connection
    that nobody else uses meanwhile: one connection answers one query at a time.
    """

    async def sessions() -> float:
        return float(await connection.fetchval(COUNT_SESSIONS, application_name))

    return sessions
