"""Exercise 15.4: a health check that asks for what the shop lives on."""

import asyncio

from labsupport.service.hunts import WatchedShop

__all__ = ["MendedWatchedShop"]


class MendedWatchedShop(WatchedShop):
    """Healthy means that an order could be stored."""

    async def health(self):
        """Ask whether the server takes writes, within two seconds."""
        try:
            async with asyncio.timeout(2), self.pool.acquire() as conn:
                read_only = await conn.fetchval("SHOW transaction_read_only")
        except Exception as error:
            return {"status": "unhealthy", "error": f"{type(error).__name__}: {error}"}
        if read_only == "on":
            return {"status": "unhealthy", "error": "The server takes no writes."}
        return {"status": "healthy"}
