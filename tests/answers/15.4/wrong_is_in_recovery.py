"""Wrong: knows standbys, and no server that was set to read only. Says: took no writes."""

from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        try:
            async with self.pool.acquire(timeout=1) as conn:
                if await conn.fetchval("SELECT pg_is_in_recovery()"):
                    return {"status": "unhealthy", "error": "It is a standby."}
        except Exception as error:
            return {"status": "unhealthy", "error": repr(error)}
        return {"status": "healthy"}


answer = MendedWatchedShop
