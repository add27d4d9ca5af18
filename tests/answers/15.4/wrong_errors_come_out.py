"""Wrong: asks the right thing, and lets the errors of the pool out. Says: raised."""

from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        async with self.pool.acquire(timeout=1) as conn:
            read_only = await conn.fetchval("SHOW transaction_read_only")
        if read_only == "on":
            return {"status": "unhealthy", "error": "The server takes no writes."}
        return {"status": "healthy"}


answer = MendedWatchedShop
