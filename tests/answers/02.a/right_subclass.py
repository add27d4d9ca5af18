"""Right: a class around it."""

from labsupport.pooling import DatabasePool


class Pool(DatabasePool):
    async def open(self, where):
        await self.initialize(**where, min_size=2, max_size=6, max_inactive_connection_lifetime=0.5)
        return self


async def open_pool(**where):
    return await Pool().open(dict(where))


answer = open_pool
