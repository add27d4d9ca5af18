"""Wrong: asks the server once and remembers the answer. Says: took no writes."""

from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    known = None

    async def health(self):
        if self.known is None:
            async with self.pool.acquire(timeout=1) as conn:
                read_only = await conn.fetchval("SHOW transaction_read_only") == "on"
            self.known = {"status": "unhealthy" if read_only else "healthy"}
        return self.known


answer = MendedWatchedShop
