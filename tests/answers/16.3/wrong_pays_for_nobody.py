"""Wrong: pays before it looks whether there is such a user. Says: does not exist."""

from labsupport.service.challenges import PayingShop


class PaysFirst(PayingShop):
    async def place_order(self, user_id, amount_cents, key):
        await self.pay(user_id, amount_cents)
        async with self.pool.acquire() as conn, conn.transaction():
            if await self.find_user(conn, user_id) is None:
                return None
            return await self.store_order(conn, user_id, amount_cents, key)


answer = PaysFirst
