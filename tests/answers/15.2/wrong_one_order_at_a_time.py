"""Wrong: a lock lets one order in at a time, which still needs two. Says: one connection."""

import asyncio

from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    def __init__(self, settings):
        super().__init__(settings)
        self.alone = asyncio.Lock()

    async def place_order(self, user_id, amount_cents, key):
        async with self.alone:
            return await super().place_order(user_id, amount_cents, key)


answer = MendedCheckingShop
