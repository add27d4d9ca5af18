"""Wrong: takes a full pool for a busy and healthy shop. Says: lent out."""

from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        try:
            async with self.pool.acquire(timeout=1) as conn:
                if await conn.fetchval("SHOW transaction_read_only") == "on":
                    return {"status": "unhealthy", "error": "The server takes no writes."}
        except TimeoutError:
            return {"status": "healthy", "busy": True}
        except Exception as error:
            return {"status": "unhealthy", "error": repr(error)}
        return {"status": "healthy"}


answer = MendedWatchedShop
