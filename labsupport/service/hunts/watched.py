"""Hunt 4: a shop with a health check of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from labsupport.pooling import PoolError
from labsupport.service.shop import Shop

__all__ = ["WatchedShop"]

LIMIT = 2.0


class WatchedShop(Shop):
    """A shop whose health check asks for real data, and not for `SELECT 1` only."""

    async def health(self) -> dict[str, Any]:
        """Return `status`, "healthy" or "unhealthy", and `error` when it is not healthy."""
        try:
            async with asyncio.timeout(LIMIT), self.pool.acquire() as conn:
                newest = await conn.fetchval("SELECT max(id) FROM orders")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, PoolError) as error:
            return {"status": "unhealthy", "error": f"{type(error).__name__}: {error}"}
        return {"status": "healthy", "newest_order": newest}
