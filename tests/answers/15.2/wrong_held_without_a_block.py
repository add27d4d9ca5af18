"""Wrong: one connection, which a refused order keeps. Says: were not released."""

from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    async def place_order(self, user_id, amount_cents, key):
        conn = await self.pool.acquire()
        customer = await self.find_user(conn, user_id)
        if customer is None or "@" not in customer["email"]:
            return None
        stored = await self.store_order(conn, user_id, amount_cents, key)
        await self.pool.release(conn)
        return stored


answer = MendedCheckingShop
