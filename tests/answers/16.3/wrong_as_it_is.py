"""Wrong: the shop as it was: it pays inside the block. Says: lent out."""

from labsupport.service.challenges import PayingShop


class Same(PayingShop):
    async def place_order(self, user_id, amount_cents, key):
        async with self.pool.acquire() as conn, conn.transaction():
            if await self.find_user(conn, user_id) is None:
                return None
            await self.pay(user_id, amount_cents)
            return await self.store_order(conn, user_id, amount_cents, key)


answer = Same
