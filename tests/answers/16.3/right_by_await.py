"""Right: acquire and release by hand."""

from labsupport.service.challenges import PayingShop


class ByHand(PayingShop):
    async def place_order(self, user_id, amount_cents, key):
        conn = await self.pool.acquire()
        try:
            known = await conn.fetchval("SELECT 1 FROM users WHERE id = $1", user_id)
        finally:
            await self.pool.release(conn)
        if not known:
            return None
        await self.pay(user_id, amount_cents)
        conn = await self.pool.acquire()
        try:
            async with conn.transaction():
                return await self.store_order(conn, user_id, amount_cents, key)
        finally:
            await self.pool.release(conn)


answer = ByHand
