"""Wrong: the shop as it was found. Says: took no writes."""

from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        return await super().health()


answer = MendedWatchedShop
