"""Exercise 15.2: an order that needs one connection."""

from labsupport.service.hunts import CheckingShop

__all__ = ["MendedCheckingShop"]


class MendedCheckingShop(CheckingShop):
    """The question about the customer is asked on the connection that the order has."""

    async def place_order(self, user_id, amount_cents, key):
        """Store an order and return its id; None when this user may not order."""
        async with self.pool.acquire() as conn, conn.transaction():
            customer = await self.find_user(conn, user_id)
            if customer is None or "@" not in customer["email"]:
                return None
            return await self.store_order(conn, user_id, amount_cents, key)
