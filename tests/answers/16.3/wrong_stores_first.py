"""Wrong: stores the order and pays afterwards. Says: before it is paid."""

from labsupport.service.challenges import PayingShop


class StoresFirst(PayingShop):
    async def place_order(self, user_id, amount_cents, key):
        async with self.pool.acquire() as conn, conn.transaction():
            if await self.find_user(conn, user_id) is None:
                return None
            stored = await self.store_order(conn, user_id, amount_cents, key)
        await self.pay(user_id, amount_cents)
        return stored


answer = StoresFirst
