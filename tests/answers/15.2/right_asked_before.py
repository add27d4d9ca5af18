"""Right: asks about the customer first, and borrows for the order afterwards."""

from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    async def place_order(self, user_id, amount_cents, key):
        if not await self.may_order(user_id):
            return None
        async with self.pool.acquire() as conn:
            return await self.store_order(conn, user_id, amount_cents, key)


answer = MendedCheckingShop
