"""Wrong: leaves out the question about the customer. Says: no @ | who does not exist."""

from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    async def place_order(self, user_id, amount_cents, key):
        async with self.pool.acquire() as conn, conn.transaction():
            return await self.store_order(conn, user_id, amount_cents, key)


answer = MendedCheckingShop
