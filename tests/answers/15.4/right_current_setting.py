"""Right: one more question on top of the shop's own check."""

from labsupport.service import Shop
from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        found = await Shop.health(self)
        if found["status"] != "healthy":
            return found
        query = "SELECT current_setting('transaction_read_only')::boolean"
        try:
            async with self.pool.acquire(timeout=1) as conn:
                if await conn.fetchval(query):
                    return {"status": "unhealthy", "error": "read only"}
        except Exception as error:
            return {"status": "unhealthy", "error": str(error) or repr(error)}
        return found


answer = MendedWatchedShop
