"""What the service can do: users, orders in transactions, a report, its health."""

from __future__ import annotations

from typing import Any

from labsupport.pooling import DatabasePool, DatabaseSettings, health_check

__all__ = ["Shop"]

CLOSE_LIMIT = 5.0
HEALTH_LIMIT = 2.0


class Shop:
    """A shop on one pool of connections. A variant of the service overrides methods of it.

    `settings` say where the database is and how large the pool may be. Methods raise what the
    pool and the database raise; the application makes HTTP's answers of that.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.settings = settings
        self.pool = DatabasePool()

    async def open(self) -> None:
        """Open the pool; called once, before the first request."""
        await self.pool.initialize(**self.settings.get_initialize_kwargs())

    async def close(self) -> None:
        """Close the pool; called once, after the last request."""
        await self.pool.close(CLOSE_LIMIT)

    async def user(self, user_id: int) -> dict[str, Any] | None:
        """Return the user's id, name and e-mail; None when there is no such user."""
        async with self.pool.acquire() as conn:
            return await self.find_user(conn, user_id)

    async def find_user(self, conn: Any, user_id: int) -> dict[str, Any] | None:
        """The same on a connection that the caller has already."""
        row = await conn.fetchrow("SELECT id, name, email FROM users WHERE id = $1", user_id)
        return None if row is None else dict(row)

    async def place_order(self, user_id: int, amount_cents: int, key: str | None) -> int | None:
        """Store an order and return its id; None when there is no such user.

        With a `key` that was used before, nothing is stored, and the id of the first time is
        returned: a client that lost the answer may send the same request again.
        """
        async with self.pool.acquire() as conn, conn.transaction():
            if await self.find_user(conn, user_id) is None:
                return None
            return await self.store_order(conn, user_id, amount_cents, key)

    async def store_order(self, conn: Any, user_id: int, amount_cents: int, key: str | None) -> int:
        """Store an order once, on a connection that the caller has already."""
        stored = await conn.fetchval(
            "INSERT INTO orders (user_id, amount_cents, idempotency_key) VALUES ($1, $2, $3) "
            "ON CONFLICT (idempotency_key) DO NOTHING RETURNING id",
            user_id,
            amount_cents,
            key,
        )
        if stored is None:
            find = "SELECT id FROM orders WHERE idempotency_key = $1"
            stored = await conn.fetchval(find, key)
        return int(stored)

    async def orders_of(self, user_id: int) -> list[int]:
        """Return the ids of the user's orders, the oldest first."""
        query = "SELECT id FROM orders WHERE user_id = $1 ORDER BY id"
        async with self.pool.acquire() as conn:
            return [row["id"] for row in await conn.fetch(query, user_id)]

    async def report(self, seconds: float) -> int:
        """Return how many users there are, by a query that takes so many seconds."""
        query = "SELECT count(*) FROM users, pg_sleep($1)"
        async with self.pool.acquire() as conn:
            return int(await conn.fetchval(query, seconds))

    async def health(self) -> dict[str, Any]:
        """Ask the database for an answer: `status`, and `error` when it is not healthy."""
        return await health_check(self.pool, timeout=HEALTH_LIMIT)
