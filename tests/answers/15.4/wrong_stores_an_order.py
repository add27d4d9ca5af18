"""Wrong: stores an order to see whether it can. Says: leave nothing behind."""

from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        try:
            await self.place_order(1, 1, None)
        except Exception as error:
            return {"status": "unhealthy", "error": repr(error)}
        return {"status": "healthy"}


answer = MendedWatchedShop
