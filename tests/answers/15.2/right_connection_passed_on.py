"""Right: the helper takes the connection as an argument."""

from labsupport.service.hunts import CheckingShop


class MendedCheckingShop(CheckingShop):
    async def place_order(self, user_id, amount_cents, key):
        async with self.pool.acquire() as conn, conn.transaction():
            if not await self.on(conn, user_id):
                return None
            return await self.store_order(conn, user_id, amount_cents, key)

    async def on(self, conn, user_id):
        email = await conn.fetchval("SELECT email FROM users WHERE id = $1", user_id)
        return email is not None and "@" in email


answer = MendedCheckingShop
