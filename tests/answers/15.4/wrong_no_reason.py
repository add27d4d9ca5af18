"""Wrong: says that something is wrong, and not what. Says: says why."""

from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        try:
            async with self.pool.acquire(timeout=1) as conn:
                takes_writes = await conn.fetchval("SHOW transaction_read_only") == "off"
        except Exception:
            takes_writes = False
        return {"status": "healthy" if takes_writes else "unhealthy"}


answer = MendedWatchedShop
