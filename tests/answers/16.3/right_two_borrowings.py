"""Right: borrows to look, pays without a connection, borrows again to store."""

from labsupport.service.challenges import PayingShop


class Shop20(PayingShop):
    async def place_order(self, user_id, amount_cents, key):
        async with self.pool.acquire() as conn:
            known = await self.find_user(conn, user_id)
        if known is None:
            return None
        await self.pay(user_id, amount_cents)
        async with self.pool.acquire() as conn:
            return await self.store_order(conn, user_id, amount_cents, key)


answer = Shop20
