"""Ready-made gauges for `watch` and `live`: a bare pool's own numbers, and the server's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from labsupport.measuring.timeline import IDLE, IN_USE, MAX_SIZE, SIZE

__all__ = ["pool_gauge", "sessions_of"]

COUNT_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend'
  AND pid <> pg_backend_pid() AND ($1::text IS NULL OR application_name = $1)
"""


def pool_gauge(pool: Any) -> Callable[[], dict[str, float]]:
    """What a bare `asyncpg.Pool` says of itself, by its public getters.

    How many requests wait for a connection, it does not say.
    """

    def observe() -> dict[str, float]:
        size, idle = pool.get_size(), pool.get_idle_size()
        return {
            "min_size": pool.get_min_size(),
            MAX_SIZE: pool.get_max_size(),
            SIZE: size,
            IN_USE: size - idle,
            IDLE: idle,
        }

    return observe


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
