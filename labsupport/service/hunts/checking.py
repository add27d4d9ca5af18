"""Hunt 2: a shop that looks at its customers before it takes their orders."""

from __future__ import annotations

from labsupport.service.shop import Shop

__all__ = ["CheckingShop"]


class CheckingShop(Shop):
    """A shop that takes orders from those users only whom it can write an e-mail to."""

    async def place_order(self, user_id: int, amount_cents: int, key: str | None) -> int | None:
        """Store an order and return its id; None when this user may not order."""
        async with self.pool.acquire() as conn, conn.transaction():
            if not await self.may_order(user_id):
                return None
            return await self.store_order(conn, user_id, amount_cents, key)

    async def may_order(self, user_id: int) -> bool:
        """Whether there is such a user, with an address that an e-mail can go to."""
        found = await self.user(user_id)
        return found is not None and "@" in found["email"]
