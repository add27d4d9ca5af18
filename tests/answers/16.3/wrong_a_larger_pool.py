"""Wrong: opens a pool with a connection for every client. Says: lent out."""

from labsupport.service.challenges import PayingShop


class Larger(PayingShop):
    async def open(self):
        arguments = self.settings.get_initialize_kwargs()
        await self.pool.initialize(**{**arguments, "max_size": 200})


answer = Larger
