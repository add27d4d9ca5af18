"""Wrong: loses the key, so that the same key stores two orders. Says: same key."""

from labsupport.service.challenges import PayingShop


class QuickShop(PayingShop):
    async def place_order(self, user_id, amount_cents, key):
        if await self.user(user_id) is None:
            return None
        await self.pay(user_id, amount_cents)
        async with self.pool.acquire() as conn:
            return await self.store_order(conn, user_id, amount_cents, None)


answer = QuickShop
