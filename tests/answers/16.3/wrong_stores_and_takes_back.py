"""Wrong: stores first, and deletes what is then not paid. Says: stored already."""

from labsupport.service.challenges import PayingShop


class QuickShop(PayingShop):
    async def place_order(self, user_id, amount_cents, key):
        async with self.pool.acquire() as conn, conn.transaction():
            if await self.find_user(conn, user_id) is None:
                return None
            order = await self.store_order(conn, user_id, amount_cents, key)
        try:
            await self.pay(user_id, amount_cents)
        except Exception:
            async with self.pool.acquire() as conn:
                await conn.execute("DELETE FROM orders WHERE id = $1", order)
            raise
        return order


answer = QuickShop
