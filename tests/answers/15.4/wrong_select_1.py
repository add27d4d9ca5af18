"""Wrong: the shop's own check, which asks less still. Says: took no writes."""

from labsupport.service import Shop
from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        return await Shop.health(self)


answer = MendedWatchedShop
