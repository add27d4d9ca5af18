"""Right: the lab's own monitor asks, and has a reason for everything."""

from labsupport.pooling import ConnectionHealthMonitor
from labsupport.service.hunts import WatchedShop


class MendedWatchedShop(WatchedShop):
    async def health(self):
        return await ConnectionHealthMonitor(self.pool, timeout=1).check()


answer = MendedWatchedShop
