"""Right: changes something that is there in a transaction, and takes it back."""

import asyncio

from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        try:
            async with asyncio.timeout(2), self.pool.acquire() as conn:
                trial = conn.transaction()
                await trial.start()
                try:
                    await conn.execute("DELETE FROM orders WHERE id = -1")
                finally:
                    await trial.rollback()
        except Exception as error:
            return {"status": "unhealthy", "error": f"{type(error).__name__}: {error}"}
        return {"status": "healthy"}


answer = MendedWatchedShop
